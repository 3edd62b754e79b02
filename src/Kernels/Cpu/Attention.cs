using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Attention block by block: a block of queries over its blocks of keys, softmax on the way.</summary>
/// <remarks>
/// A block of scores lives in the nearest cache; maximum, sum and mix of a row are carried from block to block (Dao et
/// al. 2022, algorithm 1). Blocks of keys start at the segment's first row and a row's sums run over its keys in that
/// order, lanes being keys modulo 16. A key that a row does not see adds exactly 0, so a row's bits depend on its own
/// keys alone: not on its block of queries, on later rows or on other segments.
/// </remarks>
internal unsafe ref struct AttentionForward<TElement>
    where TElement : struct, IElement
{
    private const int Block = AttentionOperands.Block, Tile = AttentionTiles.Rows;

    private readonly AttentionOperands _operands;
    private readonly void* _output;
    private readonly float* _lse;
    private readonly float* _keys, _values;          // [blocks, Size, Block], [blocks, Block, PaddedSize]
    private readonly float* _queries, _mix;          // [Block, PaddedSize]
    private readonly float* _scores;                 // [Block, Block]
    private readonly float* _max, _sum, _alpha;      // [Block], [Block], [16]
    private readonly byte* _packed;                  // [blocks], 1 where a block of keys is packed
    private int _start, _length, _keyHead;

    /// <param name="scratch">Memory of <see cref="ScratchFloats"/>.</param>
    public AttentionForward(in AttentionOperands operands, void* output, float* lse, float* scratch)
    {
        _operands = operands;
        _output = output;
        _lse = lse;
        long rows = operands.LongestInBlocks;
        int size = operands.Size, padded = operands.PaddedSize;
        _scores = scratch;
        _queries = _scores + Block * Block;
        _mix = _queries + Block * padded;
        _max = _mix + Block * padded;
        _sum = _max + Block;
        _alpha = _sum + Block;
        _values = _alpha + Block;
        _keys = _values + rows * padded;
        _packed = (byte*)(_keys + rows * size);
    }

    public static long ScratchFloats(in AttentionOperands operands) =>
        Block * Block + 2 * Block * operands.PaddedSize + 3 * Block
        + operands.LongestInBlocks * (operands.PaddedSize + operands.Size + 1);

    /// <summary>Takes the segment and the key head that the next blocks are of.</summary>
    public void Begin(int start, int length, int keyHead)
    {
        (_start, _length, _keyHead) = (start, length, keyHead);
        new Span<byte>(_packed, AttentionOperands.Blocks(length)).Clear();
    }

    /// <summary>Output and lse of a block of queries for one head.</summary>
    public void Run(int queryBlock, int head)
    {
        int first = queryBlock * Block, count = Math.Min(Block, _length - first);
        _operands.PackQueries<TElement>(_start + first, head, count, _queries);
        new Span<float>(_mix, Block * _operands.PaddedSize).Clear();
        new Span<float>(_max, Block).Fill(float.NegativeInfinity);
        new Span<float>(_sum, Block).Clear();
        var (keyBlock, end) = _operands.KeyBlocks(queryBlock, _length);
        for (; keyBlock < end; keyBlock++)
        {
            PackKeys(keyBlock);
            for (int row = 0; row < count; row += Tile)
                Visit(keyBlock * Block, first, row, Math.Min(Tile, count - row));
        }

        Finish(first, count, head);
    }

    private void PackKeys(int block)
    {
        if (_packed[block] != 0)
            return;
        int row = _start + block * Block, count = Math.Min(Block, _length - block * Block);
        _operands.PackKeysAcross(row, _keyHead, count, _keys + (long)block * Block * _operands.Size);
        _operands.PackValues<TElement>(row, _keyHead, count, _values + (long)block * Block * _operands.PaddedSize);
        _packed[block] = 1;
    }

    /// <summary>A tile of rows meets a block of keys.</summary>
    /// <param name="key">First key of the block.</param>
    /// <param name="first">First row of the block of queries.</param>
    /// <param name="row">First row of the tile, in its block.</param>
    private void Visit(int key, int first, int row, int count)
    {
        int low = Math.Max(0, _operands.Visible(first + row, _length).First - key);
        int high = Math.Min(Block, _operands.Visible(first + row + count - 1, _length).End - key);
        if (low >= high)
            return;
        int from = low / 16 * 16, to = (high + 15) / 16 * 16, size = _operands.Size, padded = _operands.PaddedSize;
        float* scores = _scores + row * Block, mix = _mix + row * padded;
        AttentionTiles.Multiply(
            _queries + row * padded, padded, 1, _keys + (long)key * size + from, Block, scores + from, Block,
            to - from, size, fresh: true);
        Softmax(key, first + row, row, count, from, to);
        for (int index = 0; index < count; index++)
            if (_alpha[index] != 1)
                Scale(mix + index * padded, padded, _alpha[index]);
        int* seen = stackalloc int[Tile], end = stackalloc int[Tile];
        _operands.VisibleInBlock(first + row, count, key, _length, seen, end);
        AttentionTiles.AddSeen(scores, Block, 1, _values + (long)key * padded, padded, mix, padded, padded, seen, end);
    }

    /// <summary>Scores become exp(score − maximum so far), 0 where unseen; maxima and sums go on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Softmax(int key, int queryRow, int row, int count, int from, int to)
    {
        float* scores = _scores + row * Block;
        float* max = _max + row, sum = _sum + row, top = stackalloc float[16], bottom = stackalloc float[16];
        Vector512.Create(float.NegativeInfinity).Store(top);
        for (int index = 0; index < count; index++)
        {
            var (first, end) = _operands.Visible(queryRow + index, _length);
            top[index] = MaskAndMax(scores + index * Block, from, to, first - key, end - key);
        }

        // Lanes are the rows of the tile. A row that has seen no key yet keeps −∞; 0 in its place keeps NaN away.
        Vector512<float> before = Vector512.Create(Vector256.Load(max), Vector256<float>.Zero);
        Vector512<float> after = Vector512.MaxNative(before, Vector512.Load(top));
        Vector512<float> unseen = Vector512.Equals(after, Vector512.Create(float.NegativeInfinity));
        Vector512<float> reference = Vector512.ConditionalSelect(unseen, Vector512<float>.Zero, after);
        Vector512<float> alpha = VectorMath.Exp(before - reference);
        reference.Store(top);
        Vector512<float>.Zero.Store(bottom);
        for (int index = 0; index < count; index++)
            bottom[index] = ExpAndSum(scores + index * Block, from, to, top[index]);
        after.GetLower().Store(max);
        alpha.Store(_alpha);
        Vector256.FusedMultiplyAdd(Vector256.Load(sum), alpha.GetLower(), Vector256.Load(bottom)).Store(sum);
    }

    /// <summary>Unseen scores become −∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float MaskAndMax(float* scores, int from, int to, int first, int end)
    {
        Vector512<float> max = Vector512.Create(float.NegativeInfinity);
        for (int col = from; col < to; col += 16)
        {
            Vector512<float> part = Vector512.Load(scores + col);
            if (col < first || col + 16 > end)
            {
                part = Vector512.ConditionalSelect(
                    AttentionOperands.Between(col, first, end), part, Vector512.Create(float.NegativeInfinity));
                part.Store(scores + col);
            }

            max = Vector512.MaxNative(max, part);
        }

        return VectorMath.Max(max);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float ExpAndSum(float* scores, int from, int to, float max)
    {
        Vector512<float> sum = Vector512<float>.Zero, reference = Vector512.Create(max);
        for (int col = from; col < to; col += 16)
        {
            Vector512<float> part = VectorMath.Exp(Vector512.Load(scores + col) - reference);
            part.Store(scores + col);
            sum += part;
        }

        return VectorMath.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(float* row, int cols, float factor)
    {
        Vector512<float> factors = Vector512.Create(factor);
        for (int col = 0; col < cols; col += 16)
            (Vector512.Load(row + col) * factors).Store(row + col);
    }

    /// <summary>o = mix / sum and lse = max + log(sum).</summary>
    private readonly void Finish(int first, int count, int head)
    {
        int size = _operands.Size, padded = _operands.PaddedSize;
        for (int row = 0; row < count; row++)
        {
            long at = _operands.QueryAt(_start + first + row, head);
            Vector512<float> sum = Vector512.Create(_sum[row]);
            // Adding 0 makes one zero of the two, whose sign unseen keys could otherwise change.
            for (int col = 0; col < size; col += 16)
                Row.Store<TElement>(
                    Vector512.Load(_mix + row * padded + col) / sum + Vector512<float>.Zero, _output, at, col, size);
            _lse[(long)(_start + first + row) * _operands.Heads + head] = _max[row] + VectorMath.Log(_sum[row]);
        }
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse)
    {
        ClearPadding(segments, o, lse);
        if (IsSingle(q))
            _pool.Run(new AttentionJob<SingleElement>(this, new(q, k, v, segments, shape), o, lse));
        else
            _pool.Run(new AttentionJob<BrainElement>(this, new(q, k, v, segments, shape), o, lse));
    }

    /// <summary>Rows between segments: o is 0 and lse −∞.</summary>
    private static void ClearPadding(Segments segments, Tensor o, Tensor lse)
    {
        int* bounds = (int*)segments.Bounds.Address;
        long row = 0;
        for (int index = 0; index <= segments.Count; index++)
        {
            long next = index < segments.Count ? bounds[2 * index] : o.Rows;
            for (; row < next; row++)
            {
                long bytes = o.Cols * o.Type.Size();
                new Span<byte>((byte*)o.Address + row * bytes, checked((int)bytes)).Clear();
                new Span<float>((float*)lse.Address + row * lse.Cols, (int)lse.Cols).Fill(float.NegativeInfinity);
            }

            row = index < segments.Count ? bounds[2 * index + 1] : row;
        }
    }

    /// <summary>Blocks of queries in order of segment, head and place; a worker takes a run of equal cost.</summary>
    private readonly struct AttentionJob<TElement>(
        CpuBackend backend, AttentionOperands operands, Tensor o, Tensor lse) : IJob
        where TElement : struct, IElement
    {
        public void Run(int worker, int workers)
        {
            float* scratch = (float*)backend.WorkerScratch(
                worker, AttentionForward<TElement>.ScratchFloats(operands) * sizeof(float));
            AttentionForward<TElement> forward = new(operands, (void*)o.Address, (float*)lse.Address, scratch);
            CostShare share = new(operands.Cost() * operands.Heads, worker, workers);
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                var (start, length) = operands.Segment(segment);
                for (int head = 0; head < operands.Heads; head++)
                {
                    if (head % operands.Group == 0)
                        forward.Begin(start, length, head / operands.Group);
                    for (int block = 0; block < AttentionOperands.Blocks(length); block++)
                    {
                        var (first, end) = operands.KeyBlocks(block, length);
                        if (share.Takes(end - first))
                            forward.Run(block, head);
                    }
                }
            }
        }
    }
}
