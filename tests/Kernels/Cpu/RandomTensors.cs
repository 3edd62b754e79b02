using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>Tensors of one test with values in [−1, 1) from a seed, and their bytes.</summary>
internal class RandomTensors(Backend backend, int seed) : IDisposable
{
    private readonly List<DeviceBuffer> _buffers = [];
    private readonly Random _random = new(seed);

    protected Backend Backend => backend;

    public Tensor Take(DType type, int rows, int cols)
    {
        Tensor tensor = Reserve(type, new Shape(rows, cols));
        byte[] bytes = new byte[tensor.Bytes];
        for (int index = 0; index < tensor.Length; index++)
        {
            float value = (float)(_random.NextDouble() * 2 - 1);
            if (type == DType.F32)
                BitConverter.TryWriteBytes(bytes.AsSpan(4 * index), value);
            else
                BitConverter.TryWriteBytes(bytes.AsSpan(2 * index), Bf16.FromSingle(value));
        }

        backend.Upload(bytes, tensor);
        return tensor;
    }

    public Tensor Take(ReadOnlySpan<int> values)
    {
        Tensor tensor = Reserve(DType.I32, new Shape(values.Length));
        backend.Upload(MemoryMarshal.AsBytes(values), tensor);
        return tensor;
    }

    public byte[] Bytes(Tensor tensor)
    {
        byte[] bytes = new byte[tensor.Bytes];
        backend.Download(tensor, bytes);
        return bytes;
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
        GC.SuppressFinalize(this);
    }

    private Tensor Reserve(DType type, Shape shape)
    {
        DeviceBuffer buffer = backend.Allocate(shape.Length * type.Size());
        _buffers.Add(buffer);
        return buffer.At(0, type, shape);
    }
}
