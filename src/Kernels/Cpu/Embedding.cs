using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Rows of a table by number, and back.</summary>
internal static unsafe class Embedding
{
    /// <summary>y[row] = scale · table[ids[row]] for rows [start, end).</summary>
    /// <param name="table">[V, cols].</param>
    public static void Forward<TTable, TElement>(
        int* ids, void* table, float scale, void* y, long cols, long start, long end)
        where TTable : struct, IElement
        where TElement : struct, IElement
    {
        Vector512<float> scales = Vector512.Create(scale);
        for (long row = start; row < end; row++)
        {
            long from = ids[row] * cols, to = row * cols, col = 0;
            for (; col + 16 <= cols; col += 16)
                TElement.Store(scales * TTable.Load(table, from + col), y, to + col);
            for (; col < cols; col++)
                TElement.Set(scale * TTable.Get(table, from + col), y, to + col);
        }
    }

    /// <summary>dTable[ids[row], c] += scale · dy[row, c], rows in order, for columns c in [start, end).</summary>
    /// <remarks>One fused multiply-add per row: an element is one chain in the order of rows.</remarks>
    /// <param name="padding">An id whose rows give nothing.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TElement>(
        int* ids, void* dy, float scale, int padding, float* dTable, long rows, long cols, long start, long end)
        where TElement : struct, IElement
    {
        Vector512<float> scales = Vector512.Create(scale);
        for (long row = 0; row < rows; row++)
        {
            if (ids[row] == padding)
                continue;
            float* target = dTable + ids[row] * cols;
            long from = row * cols, col = start;
            for (; col + 16 <= end; col += 16)
                Vector512.FusedMultiplyAdd(scales, TElement.Load(dy, from + col), Vector512.Load(target + col))
                    .Store(target + col);
            for (; col < end; col++)
                target[col] = MathF.FusedMultiplyAdd(scale, TElement.Get(dy, from + col), target[col]);
        }
    }
}

public sealed unsafe partial class CpuBackend
{
    /// <summary>Columns that one worker alone adds to in the backward pass of an embedding: a cache line.</summary>
    private const int EmbeddingCols = 16;

    protected override void EmbeddingKernel(Tensor ids, Tensor table, float scale, Tensor y)
    {
        switch (IsSingle(table), IsSingle(y))
        {
            case (true, true):
                Embed<SingleElement, SingleElement>(ids, table, scale, y);
                break;
            case (true, false):
                Embed<SingleElement, BrainElement>(ids, table, scale, y);
                break;
            case (false, true):
                Embed<BrainElement, SingleElement>(ids, table, scale, y);
                break;
            default:
                Embed<BrainElement, BrainElement>(ids, table, scale, y);
                break;
        }
    }

    protected override void EmbeddingBackwardKernel(Tensor ids, Tensor dy, float scale, int padding, Tensor dTable)
    {
        if (IsSingle(dy))
            EmbedBackward<SingleElement>(ids, dy, scale, padding, dTable);
        else
            EmbedBackward<BrainElement>(ids, dy, scale, padding, dTable);
    }

    private void Embed<TTable, TElement>(Tensor ids, Tensor table, float scale, Tensor y)
        where TTable : struct, IElement
        where TElement : struct, IElement =>
        _pool.RunRange(
            new EmbeddingJob<TTable, TElement>(
                (int*)ids.Address, (void*)table.Address, scale, (void*)y.Address, y.Cols),
            y.Rows,
            LeastRows(y.Cols));

    private void EmbedBackward<TElement>(Tensor ids, Tensor dy, float scale, int padding, Tensor dTable)
        where TElement : struct, IElement =>
        _pool.RunRange(
            new EmbeddingBackwardJob<TElement>(
                (int*)ids.Address, (void*)dy.Address, scale, padding, (float*)dTable.Address, dy.Rows, dy.Cols),
            (dy.Cols + EmbeddingCols - 1) / EmbeddingCols);

    private readonly struct EmbeddingJob<TTable, TElement>(int* ids, void* table, float scale, void* y, long cols)
        : IRangeJob
        where TTable : struct, IElement
        where TElement : struct, IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.Embedding.Forward<TTable, TElement>(ids, table, scale, y, cols, start, end);
    }

    private readonly struct EmbeddingBackwardJob<TElement>(
        int* ids, void* dy, float scale, int padding, float* dTable, long rows, long cols) : IRangeJob
        where TElement : struct, IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.Embedding.Backward<TElement>(
                ids, dy, scale, padding, dTable, rows, cols, start * EmbeddingCols,
                Math.Min(end * EmbeddingCols, cols));
    }
}
