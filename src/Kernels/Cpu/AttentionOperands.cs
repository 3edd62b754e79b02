using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>What both directions of attention share: the shape, the segments, and blocks of packed rows.</summary>
/// <remarks>Rows and keys are counted from the first row of their segment, and so are the blocks: nothing depends on
/// where a segment lies in the batch.</remarks>
internal readonly unsafe struct AttentionOperands(Tensor q, Tensor k, Tensor v, Segments segments, AttentionShape shape)
{
    /// <summary>Keys of a block: what a row's sums are carried over.</summary>
    public const int KeyBlock = 128;

    /// <summary>Powers of e as powers of 2.</summary>
    public const float Log2OfE = 1.44269504f;

    private readonly DropoutMask _mask = new(shape.Dropout.Key, shape.Dropout.Rate);

    public Tensor Queries => q;

    public Tensor Keys => k;

    public Tensor Values => v;

    public AttentionShape Shape => shape;

    public int Segments => segments.Count;

    public int Heads => shape.Heads;

    public int KeyHeads => shape.KeyHeads;

    /// <summary>Query heads that share a key head.</summary>
    public int Group => shape.Heads / shape.KeyHeads;

    public int Size => shape.HeadSize;

    /// <summary>Head size of packed rows, whose last elements are 0: a multiple of 16.</summary>
    public int PaddedSize => (shape.HeadSize + 15) / 16 * 16;

    /// <summary>Rows of the longest segment.</summary>
    public int Longest => segments.Longest;

    /// <summary>What scores are multiplied by so that powers of 2 replace those of e.</summary>
    public float BinaryScale => shape.Scale * Log2OfE;

    /// <summary>Whether probabilities drop out.</summary>
    public bool DropsOut => shape.Dropout.Rate > 0;

    /// <summary>What a kept probability is multiplied by; 1 where none drops out.</summary>
    public float KeptScale => (float)_mask.KeptScale;

    /// <summary>Blocks of keys of so many rows.</summary>
    public static int KeyBlocks(int rows) => (rows + KeyBlock - 1) / KeyBlock;

    /// <summary>Rows of a block of queries: whole tiles.</summary>
    public static int QueryRows(AttentionProduct product)
    {
        const int Least = 64;
        return (Least + product.Rows - 1) / product.Rows * product.Rows;
    }

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

    /// <summary>The keys that each of some rows sees in a block of keys, counted from it.</summary>
    /// <param name="first">[count], overwritten.</param>
    /// <param name="end">[count], overwritten.</param>
    public void VisibleInBlock(int row, int count, int block, int length, int* first, int* end)
    {
        for (int index = 0; index < count; index++)
            (first[index], end[index]) = Within(Visible(row + index, length), block, KeyBlock);
    }

    /// <summary>The rows that see each of some keys in a block of so many rows, counted from it.</summary>
    /// <param name="first">[count], overwritten.</param>
    /// <param name="end">[count], overwritten.</param>
    public void SeeingInBlock(int key, int count, int block, int rows, int length, int* first, int* end)
    {
        for (int index = 0; index < count; index++)
            (first[index], end[index]) = Within(Seeing(key + index, length), block, rows);
    }

    private static (int First, int End) Within((int First, int End) range, int block, int rows)
    {
        int first = Math.Clamp(range.First - block, 0, rows);
        return (first, Math.Clamp(range.End - block, first, rows));
    }

    /// <summary>All bits set in the lanes of columns col to col + 15 that lie in [first, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Between(int col, int first, int end)
    {
        Vector512<int> cols = Vector512<int>.Indices + Vector512.Create(col);
        return (Vector512.GreaterThanOrEqual(cols, Vector512.Create(first))
            & Vector512.LessThan(cols, Vector512.Create(end))).AsSingle();
    }

    /// <summary>What a block of queries costs: its pairs, and what it takes to begin.</summary>
    public long Cost(int first, int rows, int length)
    {
        const int Overhead = 16;
        int end = Math.Min(first + rows, length);
        return (long)(end - first) * (Visible(end - 1, length).End - Visible(first, length).First + Overhead);
    }

    /// <summary>Cost of a segment for one head, in blocks of so many queries.</summary>
    public long SegmentCost(int length, int rows)
    {
        long cost = 0;
        for (int first = 0; first < length; first += rows)
            cost += Cost(first, rows, length);
        return cost;
    }

    /// <summary>Cost of the whole batch for one head, in blocks of so many queries.</summary>
    public long Cost(int rows)
    {
        long cost = 0;
        for (int segment = 0; segment < segments.Count; segment++)
            cost += SegmentCost(Segment(segment).Length, rows);
        return cost;
    }

    /// <summary>Start of a row of queries for a head, counted in elements.</summary>
    public long QueryAt(long row, int head) => (row * shape.Heads + head) * shape.HeadSize;

    /// <summary>Start of a row of keys or values for a key head, counted in elements.</summary>
    public long KeyAt(long row, int keyHead) => (row * shape.KeyHeads + keyHead) * shape.HeadSize;

    /// <summary>Floats of a packed block of keys turned: panels [steps of the head, cols].</summary>
    public long TurnedFloats<TSteps>(int cols)
        where TSteps : struct, IAttentionSteps => KeyBlock / cols * TurnedPanel<TSteps>(cols);

    /// <summary>Floats from panel to panel of the same.</summary>
    public long TurnedPanel<TSteps>(int cols)
        where TSteps : struct, IAttentionSteps => Packing.PanelFloats(HeadSteps<TSteps>(), cols);

    /// <summary>Floats of a packed block of rows as steps: panels [steps of the block, cols].</summary>
    public long BlockFloats<TSteps>(int cols)
        where TSteps : struct, IAttentionSteps => (PaddedSize + cols - 1) / cols * BlockPanel<TSteps>(cols);

    /// <summary>Floats from panel to panel of the same.</summary>
    public static long BlockPanel<TSteps>(int cols)
        where TSteps : struct, IAttentionSteps => Packing.PanelFloats(KeyBlock / TSteps.Places, cols);

    /// <summary>Steps of a reduction over the head.</summary>
    public int HeadSteps<TSteps>()
        where TSteps : struct, IAttentionSteps => (Size + TSteps.Places - 1) / TSteps.Places;

    /// <summary>Floats from row to row of a left side, which is written in whole groups of 32 places.</summary>
    public int RowFloats<TSteps>()
        where TSteps : struct, IAttentionSteps => (PaddedSize + 16) / TSteps.Places;

    /// <summary>Copies rows of one head, padded with zeros, as a left side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void CopyRows<TElement, TSteps>(Tensor source, long at, int count, float* target)
        where TElement : struct, IElement
        where TSteps : struct, IAttentionSteps
    {
        void* start = (void*)source.Address;
        long stride = source.Cols;
        for (int row = 0; row < count; row++, at += stride, target += RowFloats<TSteps>())
            for (int col = 0; col < Size; col += 32)
                TSteps.StoreRow(
                    Row.Load<TElement>(start, at, col, Size),
                    col + 16 < Size ? Row.Load<TElement>(start, at, col + 16, Size) : Vector512<float>.Zero,
                    target, col);
    }

    /// <summary>Adds packed rows times a factor to one head of a gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddRows<TElement>(float* rows, int count, float factor, Tensor gradient, long at)
        where TElement : struct, IElement
    {
        long stride = gradient.Cols;
        void* target = (void*)gradient.Address;
        Vector512<float> factors = Vector512.Create(factor);
        for (int row = 0; row < count; row++, at += stride)
            for (int col = 0; col < Size; col += 16)
                Row.Store<TElement>(
                    Vector512.FusedMultiplyAdd(
                        Vector512.Load(rows + (long)row * PaddedSize + col), factors,
                        Row.Load<TElement>(target, at, col, Size)),
                    target, at, col, Size);
    }

    /// <summary>Numbers of the mask of some rows of a head and of keys that a tile of scores holds.</summary>
    /// <param name="row">The first of them in the batch.</param>
    /// <param name="block">Place in the segment of the key in column 0.</param>
    /// <param name="from">First column wanted.</param>
    /// <param name="to">One past the last, at most <see cref="KeyBlock"/>.</param>
    /// <param name="numbers">[count, stride]; columns from to to − 1 are overwritten, and others may be.</param>
    public void Draw(int row, int count, int head, int block, int from, int to, int stride, uint* numbers)
    {
        long* rowKeys = (long*)shape.Dropout.RowKeys.Address + row;
        for (int index = 0; index < count; index++, numbers += stride)
            for (int col = from / Dropout.Cols * Dropout.Cols; col < to; col += Dropout.Cols)
                Dropout.Draw(_mask, rowKeys[index], (block + col) / 4, head, numbers + col);
    }

    /// <summary>What the mask keeps of 16 columns, 0 elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Kept(Vector512<float> value, uint* numbers) => Vector512.ConditionalSelect(
        Dropout.Kept(numbers, Vector512.Create(_mask.Threshold)), value, Vector512<float>.Zero);

    /// <summary>Asks for one head's part of some rows, so that it is near when its turn comes.</summary>
    /// <remarks>Rows lie far apart, which no hardware foresees: short segments would wait for memory.</remarks>
    public void Ask(Tensor source, long at, int count)
    {
        int size = source.Type.Size(), bytes = Size * size;
        byte* start = (byte*)source.Address + at * size;
        long stride = source.Cols * size;
        for (int row = 0; row < count; row++, start += stride)
            for (int offset = 0; offset < bytes; offset += Ahead.CacheLine)
                Ahead.Ask(start + offset);
    }

    /// <summary>Packs a block of rows of one head, turned: lanes are rows, steps run over the head.</summary>
    public void PackTurned<TSteps>(Tensor source, int row, int keyHead, int count, int cols, float* target)
        where TSteps : struct, IAttentionSteps
    {
        Operand operand = new((void*)source.Address, source.Type, source.Cols, along: true);
        ReductionBlock head = new(Term: 0, TSteps.Places == 2, (long)keyHead * Size, Size);
        Packing.Pack(operand, head, row, count, (count + cols - 1) / cols, cols, target);
    }

    /// <summary>Packs a block of rows of one head as steps: lanes are columns.</summary>
    /// <returns>Whether all values are finite.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool PackSteps<TElement, TSteps>(Tensor source, long at, int count, int cols, float* target)
        where TElement : struct, IElement
        where TSteps : struct, IAttentionSteps
    {
        void* start = (void*)source.Address;
        long panel = BlockPanel<TSteps>(cols), stride = source.Cols;
        Vector512<int> largest = Vector512<int>.Zero;
        for (int row = 0; row < count; row += 2, at += 2 * stride)
        {
            float* step = target + row / TSteps.Places * cols;
            for (int col = 0; col < Size; col += cols, step += panel)
                for (int lane = 0; lane < cols && col + lane < Size; lane += 16)
                {
                    Vector512<float> first = Row.Load<TElement>(start, at, col + lane, Size);
                    Vector512<float> second = row + 1 < count
                        ? Row.Load<TElement>(start, at + stride, col + lane, Size)
                        : Vector512<float>.Zero;
                    TSteps.StoreSteps(first, second, step + lane, cols);
                    largest = Vector512.Max(
                        largest, Vector512.Max(Vector512.Abs(first).AsInt32(), Vector512.Abs(second).AsInt32()));
                }
        }

        return !Vector512.GreaterThanOrEqualAny(largest, Vector512.Create(0x7F80_0000));
    }
}
