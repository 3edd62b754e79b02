using System.Text;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>Row D3 of the fault matrix, and reading in every possible portion.</summary>
public sealed class GzipInputTests
{
    private static readonly byte[] Text = Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 20_000)));
    private static readonly byte[] Packed = TextFiles.Gzip(Text);

    /// <summary>What gzip makes of an empty file; the platform writes nothing at all.</summary>
    private static readonly byte[] Empty =
        [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Damaged files and what each is.</summary>
    private static IEnumerable<TestCaseData> Damaged()
    {
        yield return Case("empty", []);
        yield return Case("not gzip", Text);
        yield return Case("header alone", Packed[..10]);
        yield return Case("cut in the middle", Packed[..(Packed.Length / 2)]);
        yield return Case("without the last byte", Packed[..^1]);
        yield return Case("without the length", Packed[..^4]);
        yield return Case("without the trailer", Packed[..^8]);
        yield return Case("without the trailer's middle", [.. Packed[..^6], .. Packed[^2..]]);
        yield return Case("one byte more", [.. Packed, 0]);
        yield return Case("half a magic more", [.. Packed, 0x1F]);
        yield return Case("a header more", [.. Packed, .. Packed[..10]]);
        yield return Case("zeros after it", [.. Packed, .. new byte[512]]);
        yield return Case("text after it", [.. Packed, .. Text]);
        yield return Case("second member cut", [.. Packed, .. Packed[..^9]]);
        yield return Case("wrong checksum", [.. Packed[..^8], (byte)(Packed[^8] ^ 1), .. Packed[^7..]]);
        yield return Case("wrong length", [.. Packed[..^1], (byte)(Packed[^1] ^ 1)]);
        yield return Case("wrong content", [.. Packed[..500], (byte)(Packed[500] ^ 1), .. Packed[501..]]);
    }

    [TestCaseSource(nameof(Damaged))]
    public void Fault_D3_DamagedGzip_IsRefused(byte[] bytes)
    {
        var error = Assert.Throws<RunException>(() => ReadAll(bytes, portion: 1000));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.StartWith("a.gz: "));
    }

    [Test]
    public void Fault_D3_TruncationAtAnyByte_IsRefused()
    {
        byte[] packed = TextFiles.Gzip("a few words, a few words more");
        for (int length = 0; length < packed.Length; length++)
            Assert.Throws<RunException>(() => ReadAll(packed[..length], portion: 64), $"{length} bytes");
    }

    [Test]
    public void Fault_D3_Bomb_IsRefusedEarly()
    {
        byte[] bomb = TextFiles.Gzip(new byte[100 << 20]);
        Assert.That(bomb, Has.Length.LessThan(110_000));
        using var input = new GzipInput(new MemoryStream(bomb), "a.gz");
        long count = 0;
        var error = Assert.Throws<RunException>(() =>
        {
            var buffer = new byte[1 << 16];
            for (int read; (read = input.Read(buffer)) > 0; count += read)
            {
            }
        });
        Assert.That(error.Message, Does.Contain("200 times"));
        Assert.That(count, Is.LessThan(10 << 20));
    }

    [Test]
    public void Fault_D3_RatioBelowTheLimit_IsAccepted()
    {
        // Lines of one letter, so that the text is compressed by about a hundred.
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{i,-250}\n")));
        byte[] packed = TextFiles.Gzip(text);
        Assert.That(text.Length / packed.Length, Is.InRange(40, 199));
        Assert.That(ReadAll(packed, portion: 1 << 16), Is.EqualTo(text));
    }

    [Test]
    public void Fault_D3_Members_AreReadOneAfterTheOther([Values(1, 7, 64, 8191, 8192, 100_000)] int portion)
    {
        byte[] bytes = [.. Packed, .. TextFiles.Gzip("middle"), .. Empty, .. Packed];
        Assert.That(ReadAll(bytes, portion), Is.EqualTo((byte[])[.. Text, .. "middle"u8, .. Text]));
    }

    [Test]
    public void Read_GivesTheSameBytesWhateverTheFileDelivers([Values(1, 2, 3, 5, 10, 17, 18, 19, 8192)] int portion)
    {
        byte[] bytes = [.. "end of the file"u8, .. "end of the fil"u8];
        Assert.That(ReadAll(TextFiles.Gzip(bytes), portion), Is.EqualTo(bytes));
    }

    [Test]
    public void Read_OfEmptyMembers_IsEmpty([Values(1, 10, 20, 21, 1000)] int portion)
    {
        byte[] bytes = [.. Enumerable.Repeat(Empty, 1000).SelectMany(member => member)];
        Assert.That(ReadAll(Empty, portion), Is.Empty);
        Assert.That(ReadAll(bytes, portion), Is.Empty);
    }

    /// <param name="portion">Bytes that the file gives at once.</param>
    private static byte[] ReadAll(byte[] bytes, int portion)
    {
        using var input = new GzipInput(new Portions(bytes, portion), "a.gz");
        using var output = new MemoryStream();
        input.CopyTo(output, 777);
        return output.ToArray();
    }

    private static TestCaseData Case(string name, byte[] bytes) => new TestCaseData(bytes).SetArgDisplayNames(name);

    private sealed class Portions(byte[] bytes, int portion) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(portion, buffer.Length)]);
    }
}
