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

    /// <summary>A gradient written once, and read before unless it is overwritten.</summary>
    internal static OpCost OfSum(InputGradient gradient) =>
        Touching(gradient.Value) + (gradient.Overwrites ? default : Touching(gradient.Value));

    /// <summary>y = x Wᵀ + bias + low-rank terms.</summary>
    internal static OpCost OfLinear(Tensor x, in LinearWeight w, Tensor y)
    {
        LowRank adapter = w.Adapter;
        OpCost cost = Touching(x, w.Weight, w.Bias, adapter.Input, adapter.Projected, y)
            + Products(x, x.Rows, Count(w.Weight));
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, x.Rows);
            cost += Touching(part.A, part.B) + Products(x, part.Rows, Count(part.A) + Count(part.B));
        }

        return cost;
    }

    /// <summary>The products that are wanted: one for dx, one for dW, and those of the adapters.</summary>
    internal static OpCost OfLinearBackward(
        Tensor x, in LinearWeight w, Tensor dy, InputGradient dx, in LinearGradient dw)
    {
        LowRank adapter = w.Adapter;
        OpCost weights = Touching(dw.Weight, dw.Bias);
        OpCost cost = Touching(dy, If(!dx.IsNone, w.Weight)) + OfSum(dx) + OfSum(dw.Input) + weights
            + (dw.Overwrites ? default : weights)
            + Products(x, x.Rows, Count(If(!dx.IsNone, w.Weight)) + Count(dw.Weight));
        bool pushesBack = !adapter.IsNone && !(adapter.Input.IsNone ? dx.Value : dw.Input).IsNone;
        bool wantsA = false, wantsB = false;
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, x.Rows);
            LowRankGradient gradient = adapter.GradientOf(index, dw);
            bool projects = pushesBack || !gradient.A.IsNone; // dy B
            OpCost read = Touching(If(projects, part.B), If(pushesBack, part.A));
            OpCost written = Touching(gradient.A, gradient.B);
            cost += read + written + (gradient.Overwrites ? default : written) + Products(
                x, part.Rows, Count(If(projects, part.B)) + Count(If(pushesBack, part.A)) + Count(gradient.A)
                + Count(gradient.B));
            wantsA |= !gradient.A.IsNone;
            wantsB |= !gradient.B.IsNone;
        }

        bool readsX = !dw.Weight.IsNone || (wantsA && adapter.Input.IsNone);
        return cost + Touching(
            If(readsX, x), If(wantsA, adapter.Input), If(wantsB, adapter.Projected));
    }

    /// <summary>Logits, and the products for dx and dW that are wanted, of the rows that predict something.</summary>
    /// <param name="rows">How many those are.</param>
    internal static OpCost OfLinearCrossEntropy(
        Tensor x, in LinearWeight w, Tensor targets, long rows, Tensor losses, Tensor dx, in LinearGradient dw)
    {
        OpCost inputs = Touching(Predicting(dx)), weights = Touching(dw.Weight, dw.Bias);
        return Touching(Predicting(x), w.Weight, w.Bias, targets, losses) + inputs + inputs + weights
            + (dw.Overwrites ? default : weights)
            + Products(x, rows, Count(w.Weight) + Count(If(!dx.IsNone, w.Weight)) + Count(dw.Weight));

        Tensor Predicting(Tensor all) => all.IsNone ? all : all.Slice(0, rows);
    }

    private static OpCost Products(Tensor x, long rows, double elements) =>
        new(2.0 * rows * elements, 0, x.Type == DType.BF16);

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
