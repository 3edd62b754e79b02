namespace FastCpt.Kernels;

/// <summary>Last-in-first-out memory for activations, on top of a few large device buffers that it keeps.</summary>
/// <remarks>
/// A steady state asks the system for nothing: returning and faulting large buffers in again at every step is what
/// makes allocators slow. A buffer that nothing lies in and that is too small gives way to a larger one, so that rows
/// of rising counts do not leave one set of buffers each behind.
/// </remarks>
public sealed class Arena(Backend backend, bool poison = false) : IDisposable
{
    private const long ChunkBytes = 32L << 20;

    private readonly List<DeviceBuffer> _chunks = [];
    private int _chunk;
    private long _offset;

    /// <summary>A place to return to; tensors taken after it are given up together.</summary>
    public readonly record struct Mark(int Chunk, long Offset);

    public Mark Position => new(_chunk, _offset);

    /// <summary>Bytes of device memory that the arena holds.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>A tensor with undefined contents, valid until a mark before it is returned to.</summary>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public Tensor Take(DType type, Shape shape)
    {
        const int line = Backend.Alignment;
        long bytes = checked(shape.Length * type.Size() + line - 1) / line * line;
        if (_offset > 0 && _offset + bytes > _chunks[_chunk].Bytes)
        {
            _chunk++;
            _offset = 0;
        }

        if (_chunk == _chunks.Count || _offset + bytes > _chunks[_chunk].Bytes)
            BringForward(bytes);
        Tensor tensor = _chunks[_chunk].At(_offset, type, shape);
        _offset += bytes;
        if (poison)
            Poison(tensor);
        return tensor;
    }

    /// <summary>Gives up every tensor taken since the mark.</summary>
    public void ReturnTo(Mark mark)
    {
        if (mark.Chunk > _chunk || (mark.Chunk == _chunk && mark.Offset > _offset))
            throw new InvalidOperationException("The mark lies beyond what is taken: it was returned past before.");
        _chunk = mark.Chunk;
        _offset = mark.Offset;
    }

    public void Dispose()
    {
        foreach (DeviceBuffer chunk in _chunks)
            chunk.Dispose();
        _chunks.Clear();
        (_chunk, _offset, ReservedBytes) = (0, 0, 0);
    }

    /// <summary>Puts a chunk of enough bytes where the next tensor begins: one from behind, or a new one, for which
    /// the chunk that is too small goes. Nothing lies in any of them.</summary>
    private void BringForward(long bytes)
    {
        for (int later = _chunk + 1; later < _chunks.Count; later++)
            if (_chunks[later].Bytes >= bytes)
            {
                (_chunks[_chunk], _chunks[later]) = (_chunks[later], _chunks[_chunk]);
                return;
            }

        if (_chunk < _chunks.Count)
        {
            ReservedBytes -= _chunks[_chunk].Bytes;
            _chunks[_chunk].Dispose();
            _chunks.RemoveAt(_chunk);
        }

        _chunks.Insert(_chunk, backend.Allocate(Math.Max(ChunkBytes, TensorPool.SizeClass(bytes))));
        ReservedBytes += _chunks[_chunk].Bytes;
    }

    /// <summary>Makes reads of unwritten memory visible: every value becomes NaN.</summary>
    private void Poison(Tensor tensor)
    {
        if (tensor.Type.IsFloating())
            backend.Fill(double.NaN, tensor);
    }
}
