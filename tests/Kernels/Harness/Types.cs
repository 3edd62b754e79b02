using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Element types of one run of an op: activations, weights, and what follows for sums and
/// statistics.</summary>
public readonly record struct Types(DType Activation, DType Weight)
{
    /// <summary>All at once in F64: Reference as the exact twin of a run in narrower types.</summary>
    public static Types Double => new(DType.F64, DType.F64);

    public static Types Single => new(DType.F32, DType.F32);

    public static Types Brain => new(DType.BF16, DType.BF16);

    /// <summary>The combinations that backends compute on.</summary>
    public static IReadOnlyList<Types> Computed =>
        [Single, Brain, new(DType.F32, DType.BF16), new(DType.BF16, DType.F32)];

    /// <summary>Type of sums, statistics and weight gradients.</summary>
    public DType Statistic => Activation == DType.F64 ? DType.F64 : DType.F32;

    public override string ToString() => Activation == Weight ? $"{Activation}" : $"{Activation} x {Weight}";
}

/// <summary>Unit roundoffs of a run: the largest relative error of one rounding to nearest.</summary>
/// <param name="Activation">Of the activations' type.</param>
internal readonly record struct Units(double Activation)
{
    /// <summary>Of float32, in which every backend sums.</summary>
    public const double Single = 1.0 / (1 << 24);

    /// <summary>2^−p for a significand of p bits.</summary>
    public static double Of(DType type) => type switch
    {
        DType.F32 => Single,
        DType.BF16 => 1.0 / (1 << 8),
        DType.F64 => 1.0 / (1L << 53),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a floating-point type."),
    };

    /// <summary>A value as the type holds it.</summary>
    public static double Rounded(double value, DType type) => type switch
    {
        DType.F32 => (float)value,
        DType.BF16 => Bf16.ToSingle(Bf16.FromDouble(value)),
        _ => value,
    };
}
