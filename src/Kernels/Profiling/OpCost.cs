namespace FastCpt.Kernels.Profiling;

/// <summary>What one call of an op has to do at least, whoever does it.</summary>
/// <param name="Flops">Multiplications and additions of products, each counted as one; elementwise arithmetic, which
/// memory hides, is not counted.</param>
/// <param name="Bytes">Operands read once and results written once; what is added to is both.</param>
/// <param name="IsBf16">Whether the products are of BF16 operands.</param>
public readonly record struct OpCost(double Flops, double Bytes, bool IsBf16)
{
    /// <summary>Seconds that the device's limits allow: arithmetic or memory, whichever takes longer.</summary>
    public double SecondsAt(in DeviceLimits limits) =>
        Math.Max(Flops / (IsBf16 ? limits.Bf16Flops : limits.F32Flops), Bytes / limits.CopyBytes);

    public static OpCost operator +(OpCost a, OpCost b) =>
        new(a.Flops + b.Flops, a.Bytes + b.Bytes, a.IsBf16 || b.IsBf16);

    /// <summary>Each tensor read or written once; none costs nothing.</summary>
    internal static OpCost Touching(params ReadOnlySpan<Tensor> tensors)
    {
        double bytes = 0;
        foreach (Tensor tensor in tensors)
            bytes += tensor.IsNone ? 0 : tensor.Bytes;
        return new OpCost(0, bytes, false);
    }

    /// <summary>y = x Wᵀ + bias + low-rank term.</summary>
    internal static OpCost OfLinear(Tensor x, in LinearWeight w, Tensor y) =>
        Touching(x, w.Weight, w.Bias, w.Adapter.Input, w.Adapter.A, w.Adapter.B, w.Adapter.Projected, y) + new OpCost(
            2.0 * x.Rows * (w.Weight.Length + Count(w.Adapter.A) + Count(w.Adapter.B)), 0, x.Type == DType.BF16);

    /// <summary>The products that are wanted: one for dx, one for dW, and those of the adapter.</summary>
    internal static OpCost OfLinearBackward(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw)
    {
        LowRank adapter = w.Adapter;
        bool pushesBack = !adapter.IsNone && !(adapter.Input.IsNone ? dx : dw.Input).IsNone;
        bool projects = pushesBack || !dw.A.IsNone; // dy B
        double products = Count(If(!dx.IsNone, w.Weight)) + Count(If(projects, adapter.B))
            + Count(If(pushesBack, adapter.A)) + Count(dw.Weight) + Count(dw.A) + Count(dw.B);
        OpCost inputs = Touching(dx, dw.Input), weights = Touching(dw.Weight, dw.Bias, dw.A, dw.B);
        OpCost read = Touching(
            dy, If(!dx.IsNone, w.Weight), If(!dw.Weight.IsNone, x), If(!dw.A.IsNone, adapter.InputOr(x)),
            If(projects, adapter.B), If(pushesBack, adapter.A), If(!dw.B.IsNone, adapter.Projected));
        return read + inputs + inputs + weights + (dw.Overwrites ? default : weights)
            + new OpCost(2.0 * x.Rows * products, 0, x.Type == DType.BF16);
    }

    private static Tensor If(bool isUsed, Tensor tensor) => isUsed ? tensor : Tensor.None;

    /// <summary>4·D operations a visible pair and head forward, 10·D backward. Dao 2023, section 4.1.</summary>
    /// <param name="pairs">Visible pairs of rows.</param>
    internal static OpCost OfAttention(double pairs, in AttentionShape shape, bool backward, Tensor q) =>
        new((backward ? 10.0 : 4.0) * pairs * shape.Heads * shape.HeadSize, 0, q.Type == DType.BF16);

    /// <summary>Pairs (query, key) that the mask shows within segments.</summary>
    /// <param name="bounds">[count, 2]: first row and one past the last of every segment.</param>
    public static double VisiblePairs(ReadOnlySpan<int> bounds, in AttentionShape shape)
    {
        double pairs = 0;
        for (int segment = 0; segment + 1 < bounds.Length; segment += 2)
        {
            double length = bounds[segment + 1] - bounds[segment];
            double seen = shape.Mask == AttentionMask.Window ? Math.Min(length, shape.Window) : length;
            pairs += shape.Mask == AttentionMask.Bidirectional
                ? length * length
                : seen * (seen + 1) / 2 + (length - seen) * seen;
        }

        return pairs;
    }

    private static double Count(Tensor tensor) => tensor.IsNone ? 0 : tensor.Length;
}
