using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Reads a part of a stored tensor.</summary>
/// <param name="byteOffset">From the tensor's first byte.</param>
/// <param name="bytes">Filled whole.</param>
internal delegate void ReadTensorBytes(long byteOffset, Span<byte> bytes);

/// <summary>Moves tensors between files and device memory, piece by piece, whatever their types and sizes.</summary>
/// <remarks>
/// A number is rounded at most once. Types are converted on the device; those that devices do not compute with, F16
/// and F64, on the host.
/// </remarks>
internal sealed class TensorStaging(Backend backend) : IDisposable
{
    private const int PieceElements = 1 << 20;

    private readonly byte[] _stored = new byte[PieceElements * sizeof(double)];
    private readonly byte[] _converted = new byte[PieceElements * sizeof(float)];
    private readonly DeviceBuffer _device = backend.Allocate((long)PieceElements * sizeof(float));

    /// <summary>How many of the numbers written so far are NaN or infinite.</summary>
    public long NonFiniteWritten { get; private set; }

    /// <summary>Fills a tensor from storage.</summary>
    /// <param name="type">In which the numbers are stored: F32, BF16, F16 or F64.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    public long Fill(DType type, ReadTensorBytes read, Tensor target)
    {
        long nonFiniteCount = 0;
        Tensor flat = target.Reshape(new Shape(target.Length, 1));
        for (long start = 0; start < flat.Length; start += PieceElements)
        {
            int count = (int)Math.Min(PieceElements, flat.Length - start);
            Span<byte> bytes = _stored.AsSpan(0, count * type.Size());
            read(start * type.Size(), bytes);
            nonFiniteCount += FiniteCheck.Count(type, bytes);
            Upload(bytes, type, flat.Slice(start, count));
        }

        return nonFiniteCount;
    }

    /// <summary>Writes a tensor's numbers.</summary>
    /// <param name="type">F32, BF16 or F16.</param>
    public void Write(Tensor source, DType type, Stream stream)
    {
        foreach (Tensor piece in Pieces(source))
        {
            ReadOnlySpan<byte> bytes = Download(piece, type == DType.F16 ? DType.F32 : type);
            if (type == DType.F16)
                bytes = NarrowToHalf(MemoryMarshal.Cast<byte, float>(bytes));
            NonFiniteWritten += FiniteCheck.Count(type, bytes);
            stream.Write(bytes);
        }
    }

    /// <summary>Copies a stored tensor as it is.</summary>
    public void Copy(long byteCount, ReadTensorBytes read, Stream stream)
    {
        for (long offset = 0; offset < byteCount; offset += _stored.Length)
        {
            Span<byte> bytes = _stored.AsSpan(0, (int)Math.Min(_stored.Length, byteCount - offset));
            read(offset, bytes);
            stream.Write(bytes);
        }
    }

    /// <summary>Checksum of a tensor's bytes.</summary>
    public uint Crc(Tensor source)
    {
        uint crc = 0;
        foreach (Tensor piece in Pieces(source))
            crc = Crc32C.Append(crc, Download(piece, piece.Type));
        return crc;
    }

    public void Dispose() => _device.Dispose();

    private static IEnumerable<Tensor> Pieces(Tensor source)
    {
        Tensor flat = source.Reshape(new Shape(source.Length, 1));
        for (long start = 0; start < flat.Length; start += PieceElements)
            yield return flat.Slice(start, Math.Min(PieceElements, flat.Length - start));
    }

    private ReadOnlySpan<byte> Download(Tensor piece, DType type)
    {
        if (piece.Type != type)
        {
            Tensor converted = _device.At(0, type, piece.Shape);
            backend.Convert(piece, converted);
            piece = converted;
        }

        Span<byte> bytes = _stored.AsSpan(0, (int)piece.Bytes);
        backend.Download(piece, bytes);
        return bytes;
    }

    private void Upload(ReadOnlySpan<byte> bytes, DType type, Tensor target)
    {
        if (type == DType.F16)
        {
            bytes = WidenHalf(MemoryMarshal.Cast<byte, Half>(bytes));
            type = DType.F32;
        }
        else if (type == DType.F64 && target.Type != DType.F64)
        {
            StoredNumbers.Round(target.Type, MemoryMarshal.Cast<byte, double>(bytes), divisor: 1, _converted);
            bytes = _converted.AsSpan(0, (int)target.Bytes);
            type = target.Type;
        }

        if (type == target.Type)
        {
            backend.Upload(bytes, target);
            return;
        }

        Tensor staged = _device.At(0, type, target.Shape);
        backend.Upload(bytes, staged);
        backend.Convert(staged, target);
    }

    private ReadOnlySpan<byte> WidenHalf(ReadOnlySpan<Half> halves)
    {
        Span<float> floats = MemoryMarshal.Cast<byte, float>(_converted.AsSpan())[..halves.Length];
        for (int i = 0; i < halves.Length; i++)
            floats[i] = (float)halves[i];
        return MemoryMarshal.AsBytes(floats);
    }

    private ReadOnlySpan<byte> NarrowToHalf(ReadOnlySpan<float> floats)
    {
        Span<Half> halves = MemoryMarshal.Cast<byte, Half>(_converted.AsSpan())[..floats.Length];
        for (int i = 0; i < floats.Length; i++)
            halves[i] = (Half)floats[i];
        return MemoryMarshal.AsBytes(halves);
    }
}
