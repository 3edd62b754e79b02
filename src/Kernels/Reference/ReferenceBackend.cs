using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Reference;

/// <summary>The specification: every op as its formula says it, one element after the other, sums in double.</summary>
/// <remarks>
/// It takes F64 beside F32 and BF16, so that whole models can be checked against finite differences. Elements are read
/// as double and rounded once, when they are stored; what one op of a fusion hands to the next is rounded too. Ops are
/// done when they return.
/// </remarks>
public sealed unsafe partial class ReferenceBackend : Backend
{
    public override string Name => "reference";

    public override string InstructionSet => "reference";

    public override int Threads => 1;

    public override void Synchronize()
    {
    }

    protected internal override nint AllocateMemory(long bytes) => AlignedMemory.Allocate(bytes);

    protected internal override void FreeMemory(nint address, long bytes) => AlignedMemory.Free(address);

    protected internal override void UploadMemory(ReadOnlySpan<byte> source, nint target) =>
        source.CopyTo(new Span<byte>((void*)target, source.Length));

    protected internal override void DownloadMemory(nint source, Span<byte> target) =>
        new ReadOnlySpan<byte>((void*)source, target.Length).CopyTo(target);

    private static ReadOnlySpan<int> Integers(Tensor tensor) => new((void*)tensor.Address, checked((int)tensor.Length));

    /// <summary>A tensor of zeros in memory of its own, which the caller disposes.</summary>
    private DeviceBuffer Zeros(DType type, Shape shape, out Tensor tensor)
    {
        DeviceBuffer buffer = Allocate(checked(shape.Length * type.Size()));
        tensor = buffer.At(0, type, shape);
        FillKernel(0, tensor);
        return buffer;
    }
}
