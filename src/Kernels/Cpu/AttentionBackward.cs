using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Where attention's gradients come from and go to.</summary>
internal readonly struct AttentionGradients(Tensor o, Tensor lse, Tensor dO, Tensor dq, Tensor dk, Tensor dv)
{
    public Tensor Output => o;

    public Tensor Lse => lse;

    public Tensor DOutput => dO;

    public Tensor DQueries => dq;

    public Tensor DKeys => dk;

    public Tensor DValues => dv;
}

/// <summary>Gradients of attention for one key head of a segment at a time, scores recomputed block by block.</summary>
/// <remarks>
/// Query heads of the group in order, their blocks of queries in order, and for each its blocks of keys. dq sums over
/// keys in order, dk and dv over query heads and then over queries in order; pairs that do not see one another add
/// exactly 0. So bits do not depend on blocks, on other segments or on workers.
/// </remarks>
internal unsafe ref struct AttentionBackward<TElement>
    where TElement : struct, IElement
{
    private const int Block = AttentionOperands.Block, Tile = AttentionTiles.Rows;

    private readonly AttentionOperands _operands;
    private readonly AttentionGradients _gradients;
    private readonly float* _keysAcross, _valuesAcross;     // [blocks, Size, Block]
    private readonly float* _keys, _dKeys, _dValues;        // [blocks · Block, PaddedSize]
    private readonly float* _queries, _dOutput, _dQueries;  // [Block, PaddedSize]
    private readonly float* _p, _dScores;                   // [Block, Block]
    private readonly float* _lse, _delta;                   // [Block]
    private int _start, _length;

    /// <param name="scratch">Memory of <see cref="ScratchFloats"/>.</param>
    public AttentionBackward(in AttentionOperands operands, in AttentionGradients gradients, float* scratch)
    {
        (_operands, _gradients) = (operands, gradients);
        long rows = operands.LongestInBlocks;
        int size = operands.Size, padded = operands.PaddedSize;
        _p = scratch;
        _dScores = _p + Block * Block;
        _queries = _dScores + Block * Block;
        _dOutput = _queries + Block * padded;
        _dQueries = _dOutput + Block * padded;
        _lse = _dQueries + Block * padded;
        _delta = _lse + Block;
        _keys = _delta + Block;
        _dKeys = _keys + rows * padded;
        _dValues = _dKeys + rows * padded;
        _keysAcross = _dValues + rows * padded;
        _valuesAcross = _keysAcross + rows * size;
    }

    public static long ScratchFloats(in AttentionOperands operands) =>
        2 * Block * Block + 3 * Block * operands.PaddedSize + 2 * Block
        + operands.LongestInBlocks * (3 * operands.PaddedSize + 2 * operands.Size);

    /// <summary>Everything of one key head of a segment.</summary>
    public void Run(int start, int length, int keyHead)
    {
        (_start, _length) = (start, length);
        int padded = _operands.PaddedSize, blocks = AttentionOperands.Blocks(length);
        for (int block = 0; block < blocks; block++)
            PackKeys(block, keyHead);
        new Span<float>(_dKeys, blocks * Block * padded).Clear();
        new Span<float>(_dValues, blocks * Block * padded).Clear();
        for (int head = keyHead * _operands.Group; head < (keyHead + 1) * _operands.Group; head++)
            for (int block = 0; block < blocks; block++)
                RunQueries(block, head);
        AddRows(_dKeys, length, 1, _gradients.DKeys, _operands.KeyAt(start, keyHead));
        AddRows(_dValues, length, 1, _gradients.DValues, _operands.KeyAt(start, keyHead));
    }

    private readonly void PackKeys(int block, int keyHead)
    {
        int first = block * Block, count = Math.Min(Block, _length - first);
        _operands.PackKeysAcross(_start + first, keyHead, count, _keysAcross + (long)first * _operands.Size);
        _operands.PackValuesAcross(_start + first, keyHead, count, _valuesAcross + (long)first * _operands.Size);
        _operands.PackKeys<TElement>(_start + first, keyHead, count, _keys + (long)first * _operands.PaddedSize);
    }

    /// <summary>A block of queries of one head: its dq, and what it adds to dk and dv.</summary>
    private readonly void RunQueries(int queryBlock, int head)
    {
        int first = queryBlock * Block, count = Math.Min(Block, _length - first);
        long at = _operands.QueryAt(_start + first, head);
        Tensor dO = _gradients.DOutput;
        _operands.PackQueries<TElement>(_start + first, head, count, _queries);
        _operands.PackRows<TElement>((void*)dO.Address, at, dO.Cols, count, 1, _dOutput);
        for (int row = 0; row < count; row++)
        {
            _delta[row] = Delta(_dOutput + row * _operands.PaddedSize, at + row * dO.Cols);
            _lse[row] = ((float*)_gradients.Lse.Address)[(long)(_start + first + row) * _operands.Heads + head];
        }

        new Span<float>(_dQueries, Block * _operands.PaddedSize).Clear();
        var (keyBlock, end) = _operands.KeyBlocks(queryBlock, _length);
        for (; keyBlock < end; keyBlock++)
        {
            for (int row = 0; row < count; row += Tile)
                Visit(keyBlock * Block, first, row, Math.Min(Tile, count - row));
            for (int key = 0; key < Block && keyBlock * Block + key < _length; key += Tile)
                AddToKeys(keyBlock * Block, key, first);
        }

        AddRows(_dQueries, count, _operands.Shape.Scale, _gradients.DQueries, at);
    }

    /// <summary>δ = Σ dO · o of a row and head.</summary>
    private readonly float Delta(float* dOutput, long at)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int col = 0; col < _operands.Size; col += 16)
            sum = Vector512.FusedMultiplyAdd(
                Vector512.Load(dOutput + col),
                Row.Load<TElement>((void*)_gradients.Output.Address, at, col, _operands.Size), sum);
        return VectorMath.Sum(sum);
    }

    /// <summary>A tile of rows meets a block of keys: probabilities, gradients of scores, and dq.</summary>
    private readonly void Visit(int key, int first, int row, int count)
    {
        int low = Math.Max(0, _operands.Visible(first + row, _length).First - key);
        int high = Math.Min(Block, _operands.Visible(first + row + count - 1, _length).End - key);
        float* p = _p + row * Block, dScores = _dScores + row * Block;
        if (low >= high)
        {
            new Span<float>(p, Tile * Block).Clear();
            new Span<float>(dScores, Tile * Block).Clear();
            return;
        }

        int from = low / 16 * 16, to = (high + 15) / 16 * 16, size = _operands.Size, padded = _operands.PaddedSize;
        AttentionTiles.Multiply(
            _queries + row * padded, padded, 1, _keysAcross + (long)key * size + from, Block, p + from, Block,
            to - from, size, fresh: true);
        AttentionTiles.Multiply(
            _dOutput + row * padded, padded, 1, _valuesAcross + (long)key * size + from, Block, dScores + from,
            Block, to - from, size, fresh: true);
        for (int index = 0; index < count; index++)
        {
            var (seen, end) = _operands.Visible(first + row + index, _length);
            Differentiate(row + index, from, to, seen - key, end - key);
        }

        int* visible = stackalloc int[Tile], stop = stackalloc int[Tile];
        _operands.VisibleInBlock(first + row, count, key, _length, visible, stop);
        AttentionTiles.AddSeen(
            dScores, Block, 1, _keys + (long)key * padded, padded, _dQueries + row * padded, padded, padded, visible,
            stop);
    }

    /// <summary>Scores become p = exp(score − lse), products dO · v become p (dO · v − δ); unseen ones 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Differentiate(int row, int from, int to, int seen, int end)
    {
        float* scores = _p + row * Block, dScores = _dScores + row * Block;
        Vector512<float> lse = Vector512.Create(_lse[row]), delta = Vector512.Create(_delta[row]);
        for (int col = 0; col < from; col += 16)
        {
            Vector512<float>.Zero.Store(scores + col);
            Vector512<float>.Zero.Store(dScores + col);
        }

        for (int col = from; col < to; col += 16)
        {
            Vector512<float> p = VectorMath.Exp(Vector512.Load(scores + col) - lse);
            Vector512<float> dScore = p * (Vector512.Load(dScores + col) - delta);
            if (col < seen || col + 16 > end)
            {
                Vector512<float> visible = AttentionOperands.Between(col, seen, end);
                p = Vector512.ConditionalSelect(visible, p, Vector512<float>.Zero);
                dScore = Vector512.ConditionalSelect(visible, dScore, Vector512<float>.Zero);
            }

            p.Store(scores + col);
            dScore.Store(dScores + col);
        }

        for (int col = to; col < Block; col += 16)
        {
            Vector512<float>.Zero.Store(scores + col);
            Vector512<float>.Zero.Store(dScores + col);
        }
    }

    /// <summary>A tile of keys takes what a block of queries adds: dv += pᵀ dO, dk += dsᵀ q.</summary>
    /// <param name="block">First key of the block.</param>
    /// <param name="key">First key of the tile, in its block.</param>
    private readonly void AddToKeys(int block, int key, int first)
    {
        int* seen = stackalloc int[Tile], end = stackalloc int[Tile];
        _operands.SeeingInBlock(block + key, first, _length, seen, end);
        long at = ((long)block + key) * _operands.PaddedSize;
        int padded = _operands.PaddedSize;
        AttentionTiles.AddSeen(
            _p + key, 1, Block, _dOutput, padded, _dValues + at, padded, padded, seen, end);
        AttentionTiles.AddSeen(
            _dScores + key, 1, Block, _queries, padded, _dKeys + at, padded, padded, seen, end);
    }

    /// <summary>Adds packed rows times a factor to one head of a gradient.</summary>
    private readonly void AddRows(float* rows, int count, float factor, Tensor gradient, long at)
    {
        int size = _operands.Size, padded = _operands.PaddedSize;
        void* target = (void*)gradient.Address;
        Vector512<float> factors = Vector512.Create(factor);
        for (int row = 0; row < count; row++, at += gradient.Cols)
            for (int col = 0; col < size; col += 16)
                Row.Store<TElement>(
                    Vector512.FusedMultiplyAdd(
                        Vector512.Load(rows + (long)row * padded + col), factors,
                        Row.Load<TElement>(target, at, col, size)),
                    target, at, col, size);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void AttentionBackwardKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv)
    {
        AttentionOperands operands = new(q, k, v, segments, shape);
        AttentionGradients gradients = new(o, lse, dO, dq, dk, dv);
        if (IsSingle(q))
            _pool.Run(new AttentionBackwardJob<SingleElement>(this, operands, gradients));
        else
            _pool.Run(new AttentionBackwardJob<BrainElement>(this, operands, gradients));
    }

    /// <summary>Key heads of segments in order; a worker takes a run of about equal cost.</summary>
    private readonly struct AttentionBackwardJob<TElement>(
        CpuBackend backend, AttentionOperands operands, AttentionGradients gradients) : IJob
        where TElement : struct, IElement
    {
        public void Run(int worker, int workers)
        {
            float* scratch = (float*)backend.WorkerScratch(
                worker, AttentionBackward<TElement>.ScratchFloats(operands) * sizeof(float));
            AttentionBackward<TElement> backward = new(operands, gradients, scratch);
            CostShare share = new(operands.Cost() * operands.KeyHeads, worker, workers);
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                var (start, length) = operands.Segment(segment);
                long cost = operands.Cost(length);
                for (int keyHead = 0; keyHead < operands.KeyHeads; keyHead++)
                    if (share.Takes(cost))
                        backward.Run(start, length, keyHead);
            }
        }
    }
}
