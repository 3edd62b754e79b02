using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Sums over numbers as they are stored: widened to double exactly, rounded back once.</summary>
internal static class StoredNumbers
{
    /// <summary>Types that can be summed; others are only copied.</summary>
    public static bool CanSum(DType type) => type is DType.F32 or DType.BF16 or DType.F16;

    /// <summary>sums += weight · values.</summary>
    /// <param name="values">Little-endian numbers, as many as sums.</param>
    public static void Add(DType type, ReadOnlySpan<byte> values, double weight, Span<double> sums)
    {
        switch (type)
        {
            case DType.F32:
                ReadOnlySpan<float> singles = MemoryMarshal.Cast<byte, float>(values)[..sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    sums[i] += weight * singles[i];
                break;
            case DType.BF16:
                ReadOnlySpan<ushort> brains = MemoryMarshal.Cast<byte, ushort>(values)[..sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    sums[i] += weight * Bf16.ToSingle(brains[i]);
                break;
            case DType.F16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(values)[..sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    sums[i] += weight * (double)halves[i];
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Numbers of this type are only copied.");
        }
    }

    /// <summary>values := sums / divisor, each rounded to nearest, ties to even.</summary>
    public static void Round(DType type, ReadOnlySpan<double> sums, double divisor, Span<byte> values)
    {
        switch (type)
        {
            case DType.F32:
                Span<float> singles = MemoryMarshal.Cast<byte, float>(values)[..sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    singles[i] = (float)(sums[i] / divisor);
                break;
            case DType.BF16:
                Span<ushort> brains = MemoryMarshal.Cast<byte, ushort>(values)[..sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    brains[i] = Bf16.FromDouble(sums[i] / divisor);
                break;
            case DType.F16:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(values)[..sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    halves[i] = (Half)(sums[i] / divisor);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Numbers of this type are only copied.");
        }
    }
}
