using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>What one call of an op has to do at least, so that time can be read as a rate.</summary>
/// <param name="Amount">Arithmetic operations, or bytes that memory must move.</param>
/// <param name="Unit">FLOP/s or B/s.</param>
public readonly record struct Work(double Amount, string Unit)
{
    private const string BytesUnit = "B/s";

    /// <summary>Multiplications and additions, each counted as one.</summary>
    public static Work Flops(double count) => new(count, "FLOP/s");

    /// <summary>Every operand read once and every result written once.</summary>
    public static Work Bytes(double count) => new(count, BytesUnit);

    /// <summary>Share of what the device allows that doing it in a time is.</summary>
    public double ShareIn(double seconds, DType type, in DeviceLimits limits)
    {
        double limit = Unit == BytesUnit ? limits.CopyBytes
            : type == DType.BF16 ? limits.Bf16Flops
            : limits.F32Flops;
        return Amount / seconds / limit;
    }

    /// <summary>The rate of doing it in a time, in billions.</summary>
    public string RateIn(double seconds) => FormattableString.Invariant($"{Amount / seconds / 1e9:F1} G{Unit}");
}
