using System.Buffers.Binary;
using System.Text;
using FastCpt.Engine.Training;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

internal sealed class TensorBoardEventsTests
{
    /// <summary>CRC-32C of "123456789" is e3069283 (RFC 3720, appendix B.4 names the polynomial); the mask is
    /// TFRecord's.</summary>
    [Test]
    public void MaskedCrc_IsThatOfTfRecord()
    {
        const uint crc = 0xe3069283;
        uint expected = unchecked((crc >> 15 | crc << 17) + 0xa282ead8);
        Assert.That(TensorBoardEvents.MaskedCrc("123456789"u8), Is.EqualTo(expected));
    }

    [Test]
    public void File_IsFramesWithChecksums_OfAVersionAndAScalar()
    {
        using var folder = new TestFolder();
        using (var events = new TensorBoardEvents(folder.Path, DateTimeOffset.UnixEpoch))
            events.Write("step/loss", 1.5f, 300, DateTimeOffset.UnixEpoch);
        byte[] file = File.ReadAllBytes(Directory.GetFiles(folder.Path).Single());
        List<byte[]> records = Frames(file);
        Assert.That(records, Has.Count.EqualTo(2));
        Assert.That(Encoding.UTF8.GetString(records[0]), Does.EndWith("brain.Event:2"));
        // step = 300 as a varint, then a summary with a value of the tag and the float.
        byte[] tail = [0x10, 0xAC, 0x02, 0x2A, 0x12, 0x0A, 0x10, 0x0A, 0x09, .. "step/loss"u8, 0x15, 0, 0, 0xC0, 0x3F];
        Assert.That(records[1][9..], Is.EqualTo(tail));
    }

    private static List<byte[]> Frames(byte[] file)
    {
        var records = new List<byte[]>();
        for (int at = 0; at < file.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at)));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)),
                Is.EqualTo(TensorBoardEvents.MaskedCrc(file.AsSpan(at, 8))));
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)),
                Is.EqualTo(TensorBoardEvents.MaskedCrc(data)));
            records.Add(data);
            at += 16 + length;
        }

        return records;
    }
}
