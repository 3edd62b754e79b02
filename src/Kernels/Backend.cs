namespace FastCpt.Kernels;

/// <summary>The contract: every op that a model, a training step or a merge is made of, on one device.</summary>
/// <remarks>
/// <para>A backend is a device with one in-order stream. Ops may return before they are done and are ordered among
/// themselves; only <see cref="Download"/> and <see cref="Synchronize"/> wait. A scalar result is a tensor [1] in
/// device memory and is read back by whoever wants it.</para>
/// <para>Forward ops overwrite their outputs. Backward ops add to their gradients, or overwrite those that
/// <see cref="InputGradient"/> or <see cref="LinearGradient"/> say; a gradient that is <see cref="Tensor.None"/> is not
/// wanted and costs nothing. Outputs alias inputs only where an op says so.
/// Activations are F32 or BF16, weights likewise and independently; sums, statistics, weight gradients and optimizer
/// state are F32 ("statistic" below). The reference backend also takes F64 for all of these at once.</para>
/// <para>The order in which an output element is summed depends on the length of the sum, the element types and the
/// instruction set alone: not on the number of rows, the place of a row, the threads, or the address.</para>
/// <para>The public methods check types and shapes once for all backends and throw
/// <see cref="ArgumentException"/>; the protected ones trust them.</para>
/// </remarks>
public abstract partial class Backend : IDisposable
{
    /// <summary>Addresses that tensors start at are multiples of this many bytes.</summary>
    public const int Alignment = 256;

    /// <summary>Short name, as written in configurations.</summary>
    public abstract string Name { get; }

    /// <summary>What the bits of results depend on beyond the op: golden values and checkpoints record it.</summary>
    public abstract string InstructionSet { get; }

    /// <summary>What a user should know about this device's speed; null where it does all it can.</summary>
    public virtual string? Caveat => null;

    /// <summary>How many workers share an op; results do not depend on it.</summary>
    public abstract int Threads { get; }

    /// <summary>Multiplications and additions a second of products of a type, at most and at this moment; NaN where
    /// that has no meaning.</summary>
    /// <param name="type">F32 or BF16, of the operands.</param>
    public virtual double MeasurePeakFlops(DType type) => double.NaN;

    /// <summary>Bytes a second, read and written, of a copy larger than the caches; NaN where that has no meaning.
    /// Takes 256 MiB of memory meanwhile.</summary>
    public virtual double MeasureCopyBytes() => double.NaN;

    /// <summary>All limits of the same moment.</summary>
    public DeviceLimits MeasureLimits() =>
        new(MeasurePeakFlops(DType.F32), MeasurePeakFlops(DType.BF16), MeasureCopyBytes());

    /// <summary>Says what the ops that follow belong to, for profilers: a layer, the optimizer.</summary>
    public virtual void Mark(string part)
    {
    }

    /// <summary>Reserves device memory, not cleared.</summary>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long rounded = checked((Math.Max(bytes, 1) + Alignment - 1) / Alignment * Alignment);
        return new DeviceBuffer(this, AllocateMemory(rounded), rounded);
    }

    /// <summary>Copies host bytes into a tensor; the source may be reused on return.</summary>
    public void Upload(ReadOnlySpan<byte> source, Tensor target)
    {
        if (source.Length != target.Bytes)
            throw new ArgumentException($"{source.Length} bytes do not fill {target} of {target.Bytes} bytes.");
        if (source.Length > 0)
            UploadMemory(source, target.Address);
    }

    /// <summary>Waits for the stream, then copies a tensor to the host.</summary>
    public void Download(Tensor source, Span<byte> target)
    {
        if (target.Length != source.Bytes)
            throw new ArgumentException($"{target.Length} bytes do not hold {source} of {source.Bytes} bytes.");
        if (target.Length > 0)
            DownloadMemory(source.Address, target);
    }

    /// <summary>Waits until every op so far is done.</summary>
    public abstract void Synchronize();

    /// <summary>
    /// y := x, each element rounded to y's type (nearest, ties to even). The shapes have equal length.
    /// </summary>
    public void Convert(Tensor x, Tensor y)
    {
        Expect.Floating(x, nameof(x));
        Expect.Floating(y, nameof(y));
        Expect.Length(x, nameof(x), y.Length);
        ConvertKernel(x, y);
    }

    /// <summary>y := value in every element.</summary>
    public void Fill(double value, Tensor y)
    {
        Expect.Floating(y, nameof(y));
        FillKernel(value, y);
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    internal void Free(nint address, long bytes) => FreeMemory(address, bytes);

    protected abstract void ConvertKernel(Tensor x, Tensor y);

    protected abstract void FillKernel(double value, Tensor y);

    protected internal abstract nint AllocateMemory(long bytes);

    protected internal abstract void FreeMemory(nint address, long bytes);

    protected internal abstract void UploadMemory(ReadOnlySpan<byte> source, nint target);

    protected internal abstract void DownloadMemory(nint source, Span<byte> target);

    protected virtual void Dispose(bool disposing)
    {
    }
}
