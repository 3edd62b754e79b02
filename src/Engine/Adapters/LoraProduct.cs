using System.Numerics;
using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>scale · B A of one layer, added to its weight: sums in double in the order of the rank, rounded once.
/// </summary>
/// <remarks>An element depends on its own row and column alone, so its bits do not depend on threads or pieces.
/// </remarks>
/// <param name="a">[R, K].</param>
/// <param name="b">[N, R].</param>
/// <param name="scale">Negative to take an adapter out of a weight.</param>
internal sealed class LoraProduct(double[] a, double[] b, int rank, double scale)
{
    /// <summary>K.</summary>
    public int Cols => a.Length / rank;

    /// <summary>W += scale · B A, for some rows of W.</summary>
    /// <param name="type">Of the stored numbers: F32, BF16 or F16.</param>
    /// <param name="firstRow">Number of the first row in W.</param>
    /// <param name="rows">Bytes of whole rows.</param>
    public void AddTo(DType type, long firstRow, Memory<byte> rows)
    {
        int rowBytes = Cols * type.Size();
        Parallel.For(0, rows.Length / rowBytes, () => new double[Cols], (row, _, sums) =>
        {
            Span<byte> bytes = rows.Span.Slice(row * rowBytes, rowBytes);
            Array.Clear(sums);
            StoredNumbers.Add(type, bytes, 1, sums);
            for (int r = 0; r < rank; r++)
                Add(scale * b[(firstRow + row) * rank + r], a.AsSpan(r * Cols, Cols), sums);
            StoredNumbers.Round(type, sums, 1, bytes);
            return sums;
        }, _ => { });
    }

    /// <summary>sums += weight · values.</summary>
    private static void Add(double weight, ReadOnlySpan<double> values, Span<double> sums)
    {
        ReadOnlySpan<Vector<double>> wide = MemoryMarshal.Cast<double, Vector<double>>(values);
        Span<Vector<double>> wideSums = MemoryMarshal.Cast<double, Vector<double>>(sums);
        for (int i = 0; i < wide.Length; i++)
            wideSums[i] += weight * wide[i];
        for (int i = wide.Length * Vector<double>.Count; i < values.Length; i++)
            sums[i] += weight * values[i];
    }
}
