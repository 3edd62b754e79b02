using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Tensors of one test on a backend, each between borders that a kernel must leave alone.</summary>
/// <remarks>Memory starts as NaN, so that an output that is not written, or is read before, shows.</remarks>
internal class Device(Backend backend) : IDisposable
{
    private const byte BorderByte = 0xA5;

    private readonly List<(DeviceBuffer Buffer, long Start, long End)> _buffers = [];

    public Backend Backend => backend;

    /// <summary>A tensor of NaN, or of garbage where the type has no NaN.</summary>
    public virtual Tensor Empty(DType type, Shape shape)
    {
        long bytes = shape.Length * type.Size(), start = Backend.Alignment;
        DeviceBuffer buffer = backend.Allocate(start + bytes + Backend.Alignment);
        _buffers.Add((buffer, start, start + bytes));
        byte[] fill = new byte[buffer.Bytes];
        Array.Fill(fill, BorderByte);
        fill.AsSpan((int)start, (int)bytes).Fill(0xFF);
        backend.Upload(fill, buffer.At(0, DType.U8, new Shape(buffer.Bytes)));
        return buffer.At(start, type, shape);
    }

    public Tensor Put(ReadOnlySpan<double> values, DType type, Shape shape)
    {
        Tensor tensor = Empty(type, shape);
        Write(tensor, values);
        return tensor;
    }

    public Tensor Put(ReadOnlySpan<int> values, Shape shape)
    {
        Tensor tensor = Empty(DType.I32, shape);
        backend.Upload(MemoryMarshal.AsBytes(values), tensor);
        return tensor;
    }

    public Tensor Put(ReadOnlySpan<long> values)
    {
        Tensor tensor = Empty(DType.I64, new Shape(values.Length));
        backend.Upload(MemoryMarshal.AsBytes(values), tensor);
        return tensor;
    }

    /// <summary>Overwrites a tensor; values are rounded to its type.</summary>
    public void Write(Tensor tensor, ReadOnlySpan<double> values)
    {
        byte[] bytes = new byte[tensor.Bytes];
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> element = bytes.AsSpan(i * tensor.Type.Size());
            if (tensor.Type == DType.F32)
                BitConverter.TryWriteBytes(element, (float)values[i]);
            else if (tensor.Type == DType.BF16)
                BitConverter.TryWriteBytes(element, Bf16.FromDouble(values[i]));
            else
                BitConverter.TryWriteBytes(element, values[i]);
        }

        backend.Upload(bytes, tensor);
    }

    /// <summary>The elements, exactly.</summary>
    public double[] Read(Tensor tensor)
    {
        byte[] bytes = Bytes(tensor);
        double[] values = new double[tensor.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = tensor.Type switch
            {
                DType.F32 => BitConverter.ToSingle(bytes, 4 * i),
                DType.BF16 => Bf16.ToSingle(BitConverter.ToUInt16(bytes, 2 * i)),
                _ => BitConverter.ToDouble(bytes, 8 * i),
            };
        return values;
    }

    public byte[] Bytes(Tensor tensor)
    {
        byte[] bytes = new byte[tensor.Bytes];
        backend.Download(tensor, bytes);
        return bytes;
    }

    /// <summary>Fails when anything was written before or behind a tensor.</summary>
    public void CheckBorders()
    {
        foreach (var (buffer, start, end) in _buffers)
        {
            byte[] bytes = Bytes(buffer.At(0, DType.U8, new Shape(buffer.Bytes)));
            int touched = bytes.AsSpan(0, (int)start).IndexOfAnyExcept(BorderByte);
            if (touched < 0)
                touched = bytes.AsSpan((int)end).IndexOfAnyExcept(BorderByte) is >= 0 and var at ? (int)end + at : -1;
            Assert.That(touched, Is.EqualTo(-1), $"A kernel wrote outside a tensor of bytes {start} to {end}.");
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        foreach (var (buffer, _, _) in _buffers)
            buffer.Dispose();
        _buffers.Clear();
    }
}
