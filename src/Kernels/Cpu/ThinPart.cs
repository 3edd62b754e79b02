namespace FastCpt.Kernels.Cpu;

/// <summary>One of the thin products that go together in a job, of rows of their own each.</summary>
internal readonly struct ThinPart
{
    /// <summary>[M, K] of a projection, [M, N] of a gradient.</summary>
    public Tensor Wide { get; init; }

    /// <summary>R lines over K: the other side of a projection.</summary>
    public Operand Lines { get; init; }

    /// <summary>[M, R]: the other side of a gradient.</summary>
    public Tensor Thin { get; init; }

    public Tensor Output { get; init; }

    /// <summary>What the sums of a projection are multiplied by.</summary>
    public float Scale { get; init; }

    /// <summary>Whether a gradient is wideᵀ thin [N, R], not thinᵀ wide [R, N].</summary>
    public bool Turned { get; init; }

    /// <summary>Whether a gradient is overwritten, not added to.</summary>
    public bool Overwrites { get; init; }

    /// <summary>Where the part's packed side begins, in floats from the job's.</summary>
    public long Packed { get; init; }

    /// <summary>Where the sums of a gradient that is turned begin, in floats from the job's.</summary>
    public long Sums { get; init; }

    /// <summary>Whether BF16 goes in pairs of places or rows.</summary>
    public bool IsPairs => Wide.Type == DType.BF16;
}

/// <summary>Thin products that go together; filled again for every job.</summary>
internal sealed class ThinParts
{
    private ThinPart[] _parts = new ThinPart[16];

    public int Count { get; private set; }

    /// <summary>Floats that all packed sides, and all turned sums, take.</summary>
    public long PackedFloats { get; private set; }

    public long SumFloats { get; private set; }

    public ref readonly ThinPart this[int index] => ref _parts[index];

    public void Clear() => (Count, PackedFloats, SumFloats) = (0, 0, 0);

    public void Add(in ThinPart part, long packedFloats, long sumFloats)
    {
        if (Count == _parts.Length)
            Array.Resize(ref _parts, 2 * Count);
        _parts[Count++] = part with { Packed = PackedFloats, Sums = SumFloats };
        PackedFloats += packedFloats;
        SumFloats += sumFloats;
    }
}
