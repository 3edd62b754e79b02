using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>What both directions of attention share: the shape, the segments, and blocks of packed rows.</summary>
/// <remarks>Rows and keys are counted from the first row of their segment, and so are the blocks: nothing depends on
/// where a segment lies in the batch.</remarks>
internal readonly unsafe struct AttentionOperands(Tensor q, Tensor k, Tensor v, Segments segments, AttentionShape shape)
{
    /// <summary>Queries, and keys, of a block.</summary>
    public const int Block = 64;

    public AttentionShape Shape => shape;

    public int Segments => segments.Count;

    public int Heads => shape.Heads;

    public int KeyHeads => shape.KeyHeads;

    /// <summary>Query heads that share a key head.</summary>
    public int Group => shape.Heads / shape.KeyHeads;

    public int Size => shape.HeadSize;

    /// <summary>Head size of packed rows, whose last elements are 0: a multiple of 16.</summary>
    public int PaddedSize => (shape.HeadSize + 15) / 16 * 16;

    /// <summary>Rows of the longest segment, in whole blocks.</summary>
    public long LongestInBlocks => Blocks(segments.Longest) * (long)Block;

    public static int Blocks(int rows) => (rows + Block - 1) / Block;

    /// <summary>First row in the batch, and number of rows, of a segment.</summary>
    public (int Start, int Length) Segment(int index)
    {
        int* bounds = (int*)segments.Bounds.Address + 2 * index;
        return (bounds[0], bounds[1] - bounds[0]);
    }

    /// <summary>The keys [first, end) that a row of a segment of so many rows sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int First, int End) Visible(int row, int length) => shape.Mask switch
    {
        AttentionMask.Causal => (0, row + 1),
        AttentionMask.Window => (Math.Max(0, row - shape.Window + 1), row + 1),
        _ => (0, length),
    };

    /// <summary>The rows [first, end) of a segment that see a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (int First, int End) Seeing(int key, int length) => shape.Mask switch
    {
        AttentionMask.Causal => (key, length),
        AttentionMask.Window => (key, (int)Math.Min(length, (long)key + shape.Window)),
        _ => (0, length),
    };

    /// <summary>The keys that each of eight rows sees in a block, counted from it; rows beyond the count see what the
    /// last one does.</summary>
    /// <param name="first">[8], overwritten.</param>
    /// <param name="end">[8], overwritten.</param>
    public void VisibleInBlock(int row, int count, int block, int length, int* first, int* end)
    {
        for (int index = 0; index < AttentionTiles.Rows; index++)
            (first[index], end[index]) = Within(Visible(row + Math.Min(index, count - 1), length), block);
    }

    /// <summary>The rows that see each of eight keys in a block of rows, counted from it.</summary>
    /// <param name="first">[8], overwritten.</param>
    /// <param name="end">[8], overwritten.</param>
    public void SeeingInBlock(int key, int block, int length, int* first, int* end)
    {
        for (int index = 0; index < AttentionTiles.Rows; index++)
            (first[index], end[index]) = Within(Seeing(Math.Min(key + index, length - 1), length), block);
    }

    private static (int First, int End) Within((int First, int End) range, int block)
    {
        int first = Math.Clamp(range.First - block, 0, Block);
        return (first, Math.Clamp(range.End - block, first, Block));
    }

    /// <summary>All bits set in the lanes of columns col to col + 15 that lie in [first, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Between(int col, int first, int end)
    {
        Vector512<int> cols = Vector512<int>.Indices + Vector512.Create(col);
        return (Vector512.GreaterThanOrEqual(cols, Vector512.Create(first))
            & Vector512.LessThan(cols, Vector512.Create(end))).AsSingle();
    }

    /// <summary>The blocks of keys [first, end) that a block of queries visits.</summary>
    public (int First, int End) KeyBlocks(int queryBlock, int length)
    {
        int start = queryBlock * Block, last = Math.Min(start + Block, length) - 1;
        return (Visible(start, length).First / Block, Blocks(Visible(last, length).End));
    }

    /// <summary>Blocks of pairs that a segment has for one head: its cost.</summary>
    public long Cost(int length)
    {
        long cost = 0;
        for (int block = 0; block < Blocks(length); block++)
        {
            var (first, end) = KeyBlocks(block, length);
            cost += end - first;
        }

        return cost;
    }

    /// <summary>Cost of the whole batch for one head.</summary>
    public long Cost()
    {
        long cost = 0;
        for (int segment = 0; segment < segments.Count; segment++)
            cost += Cost(Segment(segment).Length);
        return cost;
    }

    /// <summary>Start of a row of queries for a head, counted in elements.</summary>
    public long QueryAt(long row, int head) => (row * shape.Heads + head) * shape.HeadSize;

    /// <summary>Start of a row of keys or values for a key head, counted in elements.</summary>
    public long KeyAt(long row, int keyHead) => (row * shape.KeyHeads + keyHead) * shape.HeadSize;

    /// <summary>Queries of a block times the scale, [Block, PaddedSize].</summary>
    public void PackQueries<TElement>(int row, int head, int count, float* packed)
        where TElement : struct, IElement =>
        PackRows<TElement>((void*)q.Address, QueryAt(row, head), q.Cols, count, shape.Scale, packed);

    /// <summary>Keys of a block, transposed: [Size, Block].</summary>
    public void PackKeysAcross(int row, int keyHead, int count, float* packed) =>
        PackAcross(k, row, keyHead, count, packed);

    /// <summary>Values of a block, transposed: [Size, Block].</summary>
    public void PackValuesAcross(int row, int keyHead, int count, float* packed) =>
        PackAcross(v, row, keyHead, count, packed);

    /// <summary>Keys of a block, [Block, PaddedSize].</summary>
    public void PackKeys<TElement>(int row, int keyHead, int count, float* packed)
        where TElement : struct, IElement =>
        PackRows<TElement>((void*)k.Address, KeyAt(row, keyHead), k.Cols, count, 1, packed);

    /// <summary>Values of a block, [Block, PaddedSize].</summary>
    public void PackValues<TElement>(int row, int keyHead, int count, float* packed)
        where TElement : struct, IElement =>
        PackRows<TElement>((void*)v.Address, KeyAt(row, keyHead), v.Cols, count, 1, packed);

    /// <summary>Rows of one head times a scale, padded with zeros to whole vectors and whole tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void PackRows<TElement>(void* source, long at, long stride, int count, float scale, float* packed)
        where TElement : struct, IElement
    {
        Vector512<float> scales = Vector512.Create(scale);
        int size = Size, padded = PaddedSize, row = 0;
        for (; row < count; row++, at += stride, packed += padded)
            for (int col = 0; col < padded; col += 16)
                (Row.Load<TElement>(source, at, col, size) * scales).Store(packed + col);
        for (; row % AttentionTiles.Rows != 0; row++, packed += padded)
            new Span<float>(packed, padded).Clear();
    }

    private void PackAcross(Tensor rows, int row, int keyHead, int count, float* packed)
    {
        Operand operand = new((void*)rows.Address, rows.Type, rows.Cols, along: true);
        // Lines are the rows of this head: its columns are the reduction. What is beyond the count is masked later.
        ReductionBlock head = new(Term: 0, Pairs: false, (long)keyHead * Size, Size);
        Packing.Pack(operand, head, row, count, panels: 1, Block, scale: 1, packed);
    }
}
