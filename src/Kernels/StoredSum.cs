using System.Buffers;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Kernels;

/// <summary>Weighted sums of numbers as files hold them, in memory of the caller, on the caller's thread.</summary>
/// <remarks>What <see cref="Backend.WeightedSum"/> computes, with a divisor, and for F16 too.</remarks>
public static unsafe class StoredSum
{
    /// <summary>Types that can be summed; others are only copied.</summary>
    public static bool CanSum(DType type) => type is DType.F32 or DType.BF16 or DType.F16;

    /// <summary>y[i] = Σ weights[t] · xs[t][i] / divisor: summed in double in order, rounded once.</summary>
    /// <param name="xs">At least one; each holds little-endian numbers, as many as y or more.</param>
    public static void Run(
        DType type, ReadOnlySpan<ReadOnlyMemory<byte>> xs, ReadOnlySpan<double> weights, double divisor, Span<byte> y)
    {
        Expect.That(CanSum(type), $"Numbers of type {type} are only copied.");
        Expect.That(!xs.IsEmpty && xs.Length == weights.Length, $"{xs.Length} terms and {weights.Length} weights.");
        foreach (ReadOnlyMemory<byte> x in xs)
            Expect.That(x.Length >= y.Length, $"A term has {x.Length} bytes, the sum {y.Length}.");
        var handles = new MemoryHandle[xs.Length];
        void** terms = stackalloc void*[xs.Length];
        try
        {
            for (int term = 0; term < xs.Length; term++)
            {
                handles[term] = xs[term].Pin();
                terms[term] = handles[term].Pointer;
            }

            fixed (double* factors = weights)
            fixed (byte* sums = y)
                Run(type, terms, factors, xs.Length, divisor, sums, y.Length / type.Size());
        }
        finally
        {
            foreach (MemoryHandle handle in handles)
                handle.Dispose();
        }
    }

    private static void Run(
        DType type, void** xs, double* weights, int terms, double divisor, byte* y, long count)
    {
        switch (type)
        {
            case DType.F32:
                WeightedSum.Run<SingleElement, SingleElement>(xs, weights, terms, divisor, y, count);
                break;
            case DType.BF16:
                WeightedSum.Run<BrainElement, BrainElement>(xs, weights, terms, divisor, y, count);
                break;
            default:
                WeightedSum.Run<HalfElement, HalfElement>(xs, weights, terms, divisor, y, count);
                break;
        }
    }
}
