using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace FastCpt.Engine.Training;

/// <summary>Scalars in a TensorBoard event file.</summary>
/// <remarks>
/// A file of TFRecord frames: length u64 · masked CRC-32C of it · data · masked CRC-32C of that, where the mask rotates
/// right by 15 and adds 0xa282ead8. The data are protocol buffers of tensorflow.Event: wall_time = 1 (double), step =
/// 2, file_version = 3, summary = 5 { value = 1 { tag = 1, simple_value = 2 (float) } }.
/// </remarks>
public sealed class TensorBoardEvents : IDisposable
{
    private readonly FileStream _file;
    private readonly byte[] _frame = new byte[512];

    /// <param name="folder">Gets a new file beside those of earlier attempts.</param>
    public TensorBoardEvents(string folder, DateTimeOffset now)
    {
        Directory.CreateDirectory(folder);
        string time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        string stem = $"events.out.tfevents.{time}.{Environment.MachineName}.{Environment.ProcessId}";
        int number = 0;
        while (File.Exists(Path.Combine(folder, $"{stem}.{number}")))
            number++;
        _file = new FileStream(Path.Combine(folder, $"{stem}.{number}"), FileMode.CreateNew, FileAccess.Write);
        Span<byte> version = stackalloc byte[64];
        int length = WriteDouble(version, 0, 0x09, Seconds(now));
        length = WriteBytes(version, length, 0x1A, "brain.Event:2"u8);
        WriteFrame(version[..length]);
    }

    /// <param name="tag">At most 200 bytes of UTF-8.</param>
    public void Write(string tag, float value, long step, DateTimeOffset now)
    {
        Span<byte> name = stackalloc byte[200];
        name = name[..Encoding.UTF8.GetBytes(tag, name)];
        Span<byte> scalar = stackalloc byte[256];
        int scalarLength = WriteBytes(scalar, 0, 0x0A, name);
        scalar[scalarLength] = 0x15;
        BinaryPrimitives.WriteSingleLittleEndian(scalar[(scalarLength + 1)..], value);
        scalarLength += 5;
        Span<byte> summary = stackalloc byte[272];
        int summaryLength = WriteBytes(summary, 0, 0x0A, scalar[..scalarLength]);
        Span<byte> data = stackalloc byte[320];
        int length = WriteDouble(data, 0, 0x09, Seconds(now));
        data[length++] = 0x10;
        length = WriteVarint(data, length, (ulong)step);
        length = WriteBytes(data, length, 0x2A, summary[..summaryLength]);
        WriteFrame(data[..length]);
    }

    public void Flush() => _file.Flush();

    public void Dispose() => _file.Dispose();

    /// <summary>CRC-32C of the bytes, masked as TFRecord wants it.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private void WriteFrame(ReadOnlySpan<byte> data)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_frame, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_frame.AsSpan(8), MaskedCrc(_frame.AsSpan(0, 8)));
        data.CopyTo(_frame.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(_frame.AsSpan(12 + data.Length), MaskedCrc(data));
        _file.Write(_frame, 0, 16 + data.Length);
    }

    private static int WriteDouble(Span<byte> target, int at, byte key, double value)
    {
        target[at] = key;
        BinaryPrimitives.WriteDoubleLittleEndian(target[(at + 1)..], value);
        return at + 9;
    }

    private static int WriteBytes(Span<byte> target, int at, byte key, ReadOnlySpan<byte> bytes)
    {
        target[at] = key;
        at = WriteVarint(target, at + 1, (ulong)bytes.Length);
        bytes.CopyTo(target[at..]);
        return at + bytes.Length;
    }

    private static int WriteVarint(Span<byte> target, int at, ulong value)
    {
        while (value >= 0x80)
        {
            target[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[at++] = (byte)value;
        return at;
    }
}
