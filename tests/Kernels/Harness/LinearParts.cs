using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>A linear layer's shape and which parts it has.</summary>
/// <param name="M">Rows.</param>
/// <param name="N">Outputs.</param>
/// <param name="K">Inputs.</param>
/// <param name="Rank">Of the adapter; 0 for none.</param>
public readonly record struct LinearShape(int M, int N, int K, bool Bias = false, int Rank = 0)
{
    /// <summary>Ones, primes, none of each, around vector widths, three register tiles each way with ragged ends, rows
    /// that are shared.</summary>
    public static IReadOnlyList<LinearShape> Biting =>
    [
        new(1, 1, 1), new(1, 7, 3, Bias: true), new(3, 1, 17, Rank: 1), new(0, 8, 8, Bias: true, Rank: 2),
        new(5, 17, 15, Bias: true, Rank: 3), new(17, 33, 31), new(6, 48, 64, Bias: true), new(16, 16, 16, Rank: 8),
        new(29, 97, 131, Bias: true, Rank: 17), new(1, 70, 300), new(70, 130, 300, Bias: true),
        new(5, 0, 8, Rank: 2), new(5, 8, 0, Bias: true, Rank: 2), new(130, 33, 70, Bias: true, Rank: 6),
    ];

    public override string ToString() =>
        $"[{M}, {K}] x [{N}, {K}]{(Bias ? " + bias" : "")}{(Rank > 0 ? $" + rank {Rank}" : "")}";
}

/// <summary>Operands of linear layers in a scene.</summary>
internal static class LinearParts
{
    private const float AdapterScale = 0.75f;

    public static LinearWeight Weight(Scene s, LinearShape shape)
    {
        Tensor weight = s.Weight(shape.N, shape.K), bias = shape.Bias ? s.Weight(shape.N) : Tensor.None;
        if (shape.Rank == 0)
            return new LinearWeight(weight, bias);
        LowRank adapter = new(
            s.Weight(shape.Rank, shape.K), s.Weight(shape.N, shape.Rank), AdapterScale,
            s.NewActivation(shape.M, shape.Rank));
        return new LinearWeight(weight, bias, adapter);
    }

    /// <summary>The same layer with scale · x Aᵀ drawn, as the backward pass finds it.</summary>
    public static LinearWeight Projected(Scene s, LinearWeight w, int rows) =>
        w.Adapter.IsNone
            ? w
            : w with { Adapter = w.Adapter with { Projected = s.Activation(rows, w.Adapter.A.Rows) } };

    /// <summary>Both packed copies of a weight; none where the backend has no use for them.</summary>
    public static PackedWeight Packed(Scene s, Tensor w)
    {
        return new(Copy(WeightSide.Forward), Copy(WeightSide.Backward));

        Tensor Copy(WeightSide side)
        {
            long length = s.Backend.PackedFloats(w, side);
            if (length == 0)
                return Tensor.None;
            Tensor copy = s.Device.Empty(DType.F32, new Shape(length));
            s.Backend.PackWeight(w, side, copy);
            return copy;
        }
    }

    /// <summary>Gradients of all parts, each with something in it already.</summary>
    public static LinearGradient Gradient(Scene s, LinearShape shape) => new(
        s.Statistic(shape.N, shape.K),
        shape.Bias ? s.Statistic(shape.N) : Tensor.None,
        shape.Rank > 0 ? s.Statistic(shape.Rank, shape.K) : Tensor.None,
        shape.Rank > 0 ? s.Statistic(shape.N, shape.Rank) : Tensor.None);
}
