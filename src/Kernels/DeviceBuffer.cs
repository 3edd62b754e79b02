namespace FastCpt.Kernels;

/// <summary>A block of a backend's memory with one owner, who disposes it.</summary>
public sealed class DeviceBuffer : IDisposable
{
    private readonly Backend _backend;
    private nint _address;

    internal DeviceBuffer(Backend backend, nint address, long bytes)
    {
        _backend = backend;
        _address = address;
        Bytes = bytes;
    }

    public long Bytes { get; }

    /// <summary>A tensor over a part of the buffer.</summary>
    /// <param name="offset">In bytes; a multiple of <see cref="Backend.Alignment"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tensor does not lie within the buffer, aligned.</exception>
    public Tensor At(long offset, DType type, Shape shape)
    {
        ObjectDisposedException.ThrowIf(_address == 0, this);
        long bytes = checked(shape.Length * type.Size());
        if (offset < 0 || offset % Backend.Alignment != 0 || offset > Bytes - bytes)
            throw new ArgumentOutOfRangeException(
                nameof(offset), $"{type} {shape} at byte {offset} is not within {Bytes} bytes, or not aligned.");
        return new Tensor(_address + (nint)offset, type, shape);
    }

    public void Dispose()
    {
        if (_address == 0)
            return;
        _backend.Free(_address, Bytes);
        _address = 0;
    }
}
