using System.Buffers.Binary;
using System.Text;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

/// <summary>Mutates right files, knowing their structure: each is refused by name or read as what it says.</summary>
public sealed class SafeTensorsFuzzTests
{
    private static readonly string[] Tokens =
    [
        "0", "1", "-1", "8", "16", "4294967296", "281474976710655", "281474976710656", "9223372036854775807",
        "18446744073709551615", "1e3", "1.0", "null", "true", "[]", "{}", "[0,0]", "\"\"", "\"F32\"", "\"BF16\"",
        "\"U8\"", "\"F8_E4M3\"", "\"w\"", "\"dtype\":\"F32\"", "\"shape\":[1]", "\"data_offsets\":[0,4]",
        "\"__metadata__\":{}",
        "\\u0000", "\\ud800", "\\u0077", ",", ":", "[", "]", "{", "}", "\"", " ", "\t", "/*", "\0", "é", "\uFEFF",
    ];

    [TestCase(1, 60_000)]
    [TestCase(2, 60_000)]
    [TestCase(3, 60_000)]
    [Category("slow")]
    public void Fault_M2_MutatedHeaders_AreRefusedOrReadAsTheySay(int seed, int count)
    {
        var random = new Random(seed);
        int acceptedCount = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] file = RightFile(random);
            int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
            byte[] header = MutateHeader(file[8..(8 + headerLength)], random);
            int bufferLength = file.Length - 8 - headerLength + (random.Next(8) == 0 ? random.Next(-2, 3) : 0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                TensorEntry[] entries = SafeTensorsHeader.Parse(header, "fuzz", Math.Max(0, bufferLength)).Entries;
                Assert.That(entries.Sum(e => e.ByteCount), Is.EqualTo(Math.Max(0, bufferLength)));
                CheckReadsBack(entries);
                acceptedCount++;
            }
            catch (RunException e)
            {
                Assert.That(e.Code, Is.EqualTo(ExitCode.ModelFile));
                Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(40 * header.Length + 20_000));
            }
        }
        Assert.That(acceptedCount, Is.InRange(count / 100, count / 2), "mutations break most files and spare some");
    }

    [Test, Category("slow")]
    public void Fault_M2_MutatedFiles_AreRefusedOrReadWhole()
    {
        using var folder = new TestFolder();
        var random = new Random(4);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bytes = RightFile(random);
            for (int edits = random.Next(1, 4); edits > 0; edits--)
                bytes = Mutate(bytes, random);
            File.WriteAllBytes(folder.At("f.safetensors"), bytes);
            try
            {
                using SafeTensorsFile file = SafeTensorsFile.Open(folder.At("f.safetensors"));
                foreach (TensorEntry entry in file.Entries)
                    file.Read(entry, new byte[entry.ByteCount]);
            }
            catch (RunException e)
            {
                Assert.That(e.Code, Is.EqualTo(ExitCode.ModelFile));
            }
        }
    }

    /// <summary>What was accepted is written and read again with the same names, types, shapes and sizes.</summary>
    private static void CheckReadsBack(TensorEntry[] entries)
    {
        var again = new SafeTensorsWriter(entries);
        Assert.That(again.Entries.Select(e => e.ToString()).Order(),
            Is.EqualTo(entries.Select(e => e.ToString()).Order()));
    }

    private static byte[] RightFile(Random random)
    {
        DType[] types = Enum.GetValues<DType>();
        var entries = Enumerable.Range(0, random.Next(0, 5)).Select(i => new TensorEntry(
            $"w{i}", types[random.Next(types.Length)],
            [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => (long)random.Next(0, 4))]));
        var stream = new MemoryStream();
        new SafeTensorsWriter(entries).Write(stream, (entry, target) => target.Write(new byte[entry.ByteCount]));
        return stream.ToArray();
    }

    private static byte[] MutateHeader(byte[] header, Random random)
    {
        for (int edits = random.Next(1, 4); edits > 0; edits--)
            header = random.Next(3) == 0 ? Mutate(header, random) : MutateText(header, random);
        return header;
    }

    /// <summary>Inserts a token, replaces a number by another, or copies a member to another place.</summary>
    private static byte[] MutateText(byte[] header, Random random)
    {
        string text = Encoding.Latin1.GetString(header);
        int at = random.Next(text.Length + 1);
        string token = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]));
        switch (random.Next(4))
        {
            case 0:
                text = text.Insert(at, token);
                break;
            case 1:
                int start = text.AsSpan(at).IndexOfAnyInRange('0', '9') + at;
                int end = start;
                while (end >= at && end < text.Length && char.IsAsciiDigit(text[end]))
                    end++;
                if (start >= at)
                    text = text[..start] + token + text[end..];
                break;
            case 2:
                int comma = text.IndexOf(',', at), next = comma < 0 ? -1 : text.IndexOf(',', comma + 1);
                if (next > 0)
                    text = text[..comma] + text[comma..next] + text[comma..];
                break;
            default:
                text = text.Insert(text.Length - text.TrimEnd().Length, new string(' ', random.Next(9)));
                break;
        }
        return Encoding.Latin1.GetBytes(text);
    }

    /// <summary>Flips a bit, cuts, doubles or moves a piece, or edits the first eight bytes.</summary>
    private static byte[] Mutate(byte[] bytes, Random random)
    {
        int at = random.Next(bytes.Length + 1), length = Math.Min(random.Next(1, 9), bytes.Length - at);
        byte[] piece = bytes[at..(at + length)];
        switch (random.Next(4))
        {
            case 0 when length > 0:
                byte[] flipped = [.. bytes];
                flipped[at] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 1:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 2:
                int to = random.Next(bytes.Length + 1);
                return [.. bytes[..to], .. piece, .. bytes[to..]];
            default:
                byte[] claimed = [.. bytes];
                if (bytes.Length >= 8)
                    claimed[random.Next(8)] = (byte)random.Next(256);
                return claimed;
        }
    }
}
