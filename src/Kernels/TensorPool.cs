using System.Numerics;

namespace FastCpt.Kernels;

/// <summary>Device memory for tensors that live in no order of their own, such as gradients of activations.</summary>
/// <remarks>
/// Sizes are rounded up to quarters of a power of two, so that ragged batches find buffers of earlier ones.
/// </remarks>
/// <param name="poison">Fill what is taken with NaN, so that tests see a read of unwritten memory.</param>
public sealed class TensorPool(Backend backend, bool poison = false) : IDisposable
{
    private readonly Dictionary<long, Stack<DeviceBuffer>> _free = [];
    private readonly Dictionary<nint, DeviceBuffer> _buffers = [];

    /// <summary>Bytes of device memory that the pool holds.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>A tensor with undefined contents, valid until it is returned.</summary>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public Tensor Take(DType type, Shape shape)
    {
        long size = SizeClass(checked(shape.Length * type.Size()));
        bool isHeld = _free.TryGetValue(size, out Stack<DeviceBuffer>? stack) && stack.Count > 0;
        Tensor tensor = isHeld ? stack!.Pop().At(0, type, shape) : Allocate(size, type, shape);
        if (poison)
            backend.Fill(double.NaN, tensor);
        return tensor;
    }

    /// <summary>Takes back a tensor of this pool; its memory serves the next <see cref="Take"/>.</summary>
    public void Return(Tensor tensor)
    {
        DeviceBuffer buffer = _buffers[tensor.Address];
        if (!_free.TryGetValue(buffer.Bytes, out Stack<DeviceBuffer>? stack))
            _free.Add(buffer.Bytes, stack = new Stack<DeviceBuffer>());
        stack.Push(buffer);
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers.Values)
            buffer.Dispose();
        _buffers.Clear();
        _free.Clear();
        ReservedBytes = 0;
    }

    private Tensor Allocate(long size, DType type, Shape shape)
    {
        DeviceBuffer buffer = backend.Allocate(size);
        ReservedBytes += buffer.Bytes;
        Tensor tensor = buffer.At(0, type, shape);
        _buffers.Add(tensor.Address, buffer);
        return tensor;
    }

    /// <summary>The next quarter of a power of two.</summary>
    internal static long SizeClass(long bytes)
    {
        long least = Math.Max(bytes, 4 * Backend.Alignment);
        long quarter = 1L << (BitOperations.Log2((ulong)least) - 2);
        return (least + quarter - 1) / quarter * quarter;
    }
}
