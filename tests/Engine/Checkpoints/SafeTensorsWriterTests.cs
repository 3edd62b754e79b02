using System.Text;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

public sealed class SafeTensorsWriterTests
{
    /// <summary>Files of the reference writer's own tests (safetensors 0.6, tensor.rs), as header text.</summary>
    [TestCase("attn.0", new long[] { 1, 2, 3 }, 64,
        "{\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],\"data_offsets\":[0,24]}}")]
    [TestCase("attn0", new long[] { 1, 1, 2, 3 }, 72,
        "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       ")]
    public void SafeTensorsWriter_WritesWhatTheReferenceWrites(string name, long[] shape, int length, string header)
    {
        var writer = new SafeTensorsWriter([new TensorEntry(name, DType.F32, shape)], []);
        var stream = new MemoryStream();
        writer.Write(stream, (entry, target) => target.Write(new byte[entry.ByteCount]));
        Assert.That(header, Has.Length.EqualTo(length));
        Assert.That(stream.ToArray(), Is.EqualTo(HostileTensors.File(header, 24)));
    }

    [TestCase(null, 32, "{\"__metadata__\":{\"format\":\"pt\"}}")]
    [TestCase("framework", 40, "{\"__metadata__\":{\"framework\":\"pt\"}}     ")]
    [TestCase("", 8, "{}      ")]
    public void SafeTensorsWriter_WritesMetadata(string? key, int length, string header)
    {
        Dictionary<string, string>? metadata = key switch { null => null, "" => [], _ => new() { [key] = "pt" } };
        var stream = new MemoryStream();
        new SafeTensorsWriter([], metadata).Write(stream, (_, _) => { });
        Assert.That(Encoding.UTF8.GetString(stream.ToArray()[8..]), Is.EqualTo(header));
        Assert.That(stream.Length, Is.EqualTo(8 + length));
    }

    [Test]
    public void SafeTensorsWriter_OrdersByAlignmentThenName()
    {
        (string Name, DType Type)[] right =
        [
            ("i64", DType.I64), ("f64", DType.F64), ("a", DType.F32), ("b", DType.F32), ("i32", DType.I32),
            ("B", DType.BF16), ("bf", DType.BF16), ("\uE000", DType.BF16), ("\U0001F600", DType.BF16),
            ("f16", DType.F16), ("i16", DType.I16), ("i8", DType.I8), ("u8", DType.U8), ("bool", DType.Bool),
        ];
        var shuffled = right.Reverse().Select(t => new TensorEntry(t.Name, t.Type, [3]));
        var writer = new SafeTensorsWriter(shuffled);
        Assert.That(writer.Entries.Select(e => e.Name), Is.EqualTo(right.Select(t => t.Name)));
        foreach (TensorEntry entry in writer.Entries)
            Assert.That((entry.Offset - writer.Entries[0].Offset) % entry.Type.Size(), Is.Zero);
        Assert.That(writer.Entries[0].Offset % 8, Is.Zero);
    }

    [Test]
    public void SafeTensorsWriter_ReadsBackAndRewritesByteForByte()
    {
        using var folder = new TestFolder();
        var random = new Random(3);
        DType[] types = Enum.GetValues<DType>();
        for (int round = 0; round < 50; round++)
        {
            var entries = Enumerable.Range(0, random.Next(0, 20)).Select(i => new TensorEntry(
                $"layer \"{i}\" \\ é😀", types[random.Next(types.Length)],
                [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => (long)random.Next(0, 5))])).ToList();
            var metadata = new OrderedDictionary<string, string> { ["z"] = "\n\t\"\\\u0001\u001f😀", ["format"] = "pt" };
            string first = folder.At($"{round}.safetensors"), second = folder.At($"{round}b.safetensors");
            Write(first, new SafeTensorsWriter(entries, metadata), (_, bytes) => random.NextBytes(bytes));

            using SafeTensorsFile file = SafeTensorsFile.Open(first);
            Assert.That(file.Metadata, Is.EqualTo(metadata));
            Assert.That(file.Entries.Select(e => e.ToString()),
                Is.EquivalentTo(entries.Select(e => e.ToString())));
            Write(second, new SafeTensorsWriter(file.Entries, file.Metadata),
                (entry, bytes) => file.Read(file.Find(entry.Name)!, bytes));
            Assert.That(File.ReadAllBytes(second), Is.EqualTo(File.ReadAllBytes(first)));
            Assert.That(new FileInfo(first).Length, Is.EqualTo(new SafeTensorsWriter(entries, metadata).Length));
        }
    }

    [Test]
    public void SafeTensorsWriter_RefusesWhatItsReaderWouldRefuse()
    {
        var w = new TensorEntry("w", DType.F32, [1]);
        Assert.That(() => new SafeTensorsWriter([w, w]), Throws.TypeOf<RunException>());
        Assert.That(() => new SafeTensorsWriter([new TensorEntry("a\nb", DType.F32, [1])]),
            Throws.TypeOf<RunException>());
        Assert.That(() => new SafeTensorsWriter([new TensorEntry("w", DType.F32, [1, 1, 1, 1, 1, 1, 1, 1, 1])]),
            Throws.TypeOf<RunException>());
        Assert.That(() => new SafeTensorsWriter([w]).Write(new MemoryStream(), (_, s) => s.Write(new byte[3])),
            Throws.InvalidOperationException);
        Assert.That(() => new SafeTensorsWriter([w]).Write(new MemoryStream(), (_, s) => s.Write(new byte[5])),
            Throws.InvalidOperationException);
    }

    private delegate void Fill(TensorEntry entry, byte[] bytes);

    private static void Write(string path, SafeTensorsWriter writer, Fill fill)
    {
        using FileStream stream = File.Create(path);
        writer.Write(stream, (entry, target) =>
        {
            var bytes = new byte[entry.ByteCount];
            fill(entry, bytes);
            target.Write(bytes);
        });
    }
}
