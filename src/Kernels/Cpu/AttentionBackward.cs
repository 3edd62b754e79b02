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

/// <summary>Workers that share one key head of a segment, and which of them does what.</summary>
/// <param name="Pool">What they meet at; null for one that works alone.</param>
internal readonly record struct AttentionTeam(WorkerPool? Pool, int Member, int Members)
{
    public static AttentionTeam Alone => new(null, 0, 1);

    /// <summary>Whether a tile is this member's: they take turns.</summary>
    public bool Takes(int tile) => tile % Members == Member;

    /// <summary>Waits until all have come here.</summary>
    public void Meet() => Pool?.Meet();
}

/// <summary>Gradients of attention for one key head of a segment at a time, scores recomputed block by block.</summary>
/// <remarks>
/// Query heads of the group in order, their blocks of queries in order, and for each its blocks of keys. dq sums over
/// keys in order, dk and dv over query heads and then over queries in order; pairs that do not see one another add
/// nothing. So bits do not depend on blocks, on other segments or on workers: a team shares tiles of queries first,
/// then, with the scores of all its blocks of keys at hand, tiles of keys.
/// </remarks>
internal unsafe ref struct AttentionBackward<TElement>
    where TElement : struct, IElement
{
    private const int Block = AttentionOperands.Block, Tile = AttentionTiles.Rows;

    private readonly AttentionOperands _operands;
    private readonly AttentionGradients _gradients;
    private readonly AttentionTeam _team;
    private readonly float* _keysAcross, _valuesAcross;     // [blocks, Size, Block]
    private readonly float* _keys, _dKeys, _dValues;        // [blocks · Block, PaddedSize]
    private readonly float* _queries, _dOutput, _dQueries;  // [Block, PaddedSize]
    private readonly float* _p, _dScores;                   // [Block, _width]
    private readonly float* _lse, _delta;                   // [Block]
    private readonly int _width;                            // keys whose scores are held
    private int _start, _length;

    /// <param name="scratch">Memory of <see cref="ScratchFloats"/>, one for a team.</param>
    public AttentionBackward(
        in AttentionOperands operands, in AttentionGradients gradients, AttentionTeam team, float* scratch)
    {
        (_operands, _gradients, _team) = (operands, gradients, team);
        long rows = operands.LongestInBlocks;
        int size = operands.Size, padded = operands.PaddedSize;
        _width = Width(operands, team.Members);
        _p = scratch;
        _dScores = _p + (long)Block * _width;
        _queries = _dScores + (long)Block * _width;
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

    public static long ScratchFloats(in AttentionOperands operands, int members) =>
        2L * Block * Width(operands, members) + 3 * Block * operands.PaddedSize + 2 * Block
        + operands.LongestInBlocks * (3 * operands.PaddedSize + 2 * operands.Size);

    /// <summary>Everything of one key head of a segment.</summary>
    public void Run(int start, int length, int keyHead)
    {
        (_start, _length) = (start, length);
        int padded = _operands.PaddedSize, blocks = AttentionOperands.Blocks(length);
        for (int block = 0; block < blocks; block++)
            if (_team.Takes(block))
                PackKeys(block, keyHead);
        _team.Meet();
        for (int head = keyHead * _operands.Group; head < (keyHead + 1) * _operands.Group; head++)
            for (int block = 0; block < blocks; block++)
                RunQueries(block, head);
        for (int row = 0; row < length; row += Tile)
        {
            if (!_team.Takes(row / Tile))
                continue;
            long at = _operands.KeyAt(start + row, keyHead);
            int count = Math.Min(Tile, length - row);
            AddRows(_dKeys + (long)row * padded, count, 1, _gradients.DKeys, at);
            AddRows(_dValues + (long)row * padded, count, 1, _gradients.DValues, at);
        }

        _team.Meet();
    }

    /// <summary>A team has the scores of all blocks of keys before it goes on to keys; one worker goes block by
    /// block.</summary>
    private static int Width(in AttentionOperands operands, int members) =>
        members == 1 ? Block : checked((int)operands.LongestInBlocks);

    private readonly void PackKeys(int block, int keyHead)
    {
        int first = block * Block, count = Math.Min(Block, _length - first), padded = _operands.PaddedSize;
        _operands.PackKeysAcross(_start + first, keyHead, count, _keysAcross + (long)first * _operands.Size);
        _operands.PackValuesAcross(_start + first, keyHead, count, _valuesAcross + (long)first * _operands.Size);
        _operands.PackKeys<TElement>(_start + first, keyHead, count, _keys + (long)first * padded);
        new Span<float>(_dKeys + (long)first * padded, Block * padded).Clear();
        new Span<float>(_dValues + (long)first * padded, Block * padded).Clear();
    }

    /// <summary>A block of queries of one head: its dq, and what it adds to dk and dv.</summary>
    private readonly void RunQueries(int queryBlock, int head)
    {
        int first = queryBlock * Block, count = Math.Min(Block, _length - first);
        for (int row = 0; row < count; row += Tile)
            if (_team.Takes(row / Tile))
                PackTile(first, row, Math.Min(Tile, count - row), head);
        var (keyBlock, end) = _operands.KeyBlocks(queryBlock, _length);
        for (int stop; keyBlock < end; keyBlock = stop)
        {
            stop = Math.Min(keyBlock + _width / Block, end);
            for (int row = 0; row < count; row += Tile)
                if (_team.Takes(row / Tile))
                    for (int block = keyBlock; block < stop; block++)
                        Visit(block * Block, (block - keyBlock) * Block, first, row, Math.Min(Tile, count - row));
            _team.Meet();
            int lastKey = Math.Min(stop * Block, _length);
            for (int key = keyBlock * Block; key < lastKey; key += Tile)
                if (_team.Takes(key / Tile))
                    AddToKeys(key, key - keyBlock * Block, first);
            _team.Meet();
        }

        for (int row = 0; row < count; row += Tile)
            if (_team.Takes(row / Tile))
                AddRows(
                    _dQueries + row * _operands.PaddedSize, Math.Min(Tile, count - row), _operands.Shape.Scale,
                    _gradients.DQueries, _operands.QueryAt(_start + first + row, head));
    }

    /// <summary>Queries and gradients of a tile of rows, their δ and lse, and dq of zeros.</summary>
    private readonly void PackTile(int first, int row, int count, int head)
    {
        int padded = _operands.PaddedSize;
        long at = _operands.QueryAt(_start + first + row, head);
        Tensor dO = _gradients.DOutput;
        _operands.PackQueries<TElement>(_start + first + row, head, count, _queries + row * padded);
        _operands.PackRows<TElement>((void*)dO.Address, at, dO.Cols, count, 1, _dOutput + row * padded);
        for (int index = row; index < row + count; index++, at += dO.Cols)
        {
            _delta[index] = Delta(_dOutput + index * padded, at);
            _lse[index] = ((float*)_gradients.Lse.Address)[(long)(_start + first + index) * _operands.Heads + head];
        }

        new Span<float>(_dQueries + row * padded, Tile * padded).Clear();
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
    /// <param name="key">First key of the block.</param>
    /// <param name="col">Where the block's scores begin in rows of them.</param>
    private readonly void Visit(int key, int col, int first, int row, int count)
    {
        int low = Math.Max(0, _operands.Visible(first + row, _length).First - key);
        int high = Math.Min(Block, _operands.Visible(first + row + count - 1, _length).End - key);
        if (low >= high)
            return; // Nobody looks at these scores: no key of the block is seen.
        float* p = _p + (long)row * _width + col, dScores = _dScores + (long)row * _width + col;
        int from = low / 16 * 16, to = (high + 15) / 16 * 16, size = _operands.Size, padded = _operands.PaddedSize;
        AttentionTiles.Multiply(
            _queries + row * padded, padded, 1, _keysAcross + (long)key * size + from, Block, p + from, _width,
            to - from, size, fresh: true);
        AttentionTiles.Multiply(
            _dOutput + row * padded, padded, 1, _valuesAcross + (long)key * size + from, Block, dScores + from,
            _width, to - from, size, fresh: true);
        int* visible = stackalloc int[Tile], end = stackalloc int[Tile];
        _operands.VisibleInBlock(first + row, count, key, _length, visible, end);
        for (int index = 0; index < count; index++)
            Differentiate(
                p + (long)index * _width, dScores + (long)index * _width, row + index, from, to, visible[index],
                end[index]);
        AttentionTiles.AddSeen(
            dScores, _width, 1, _keys + (long)key * padded, padded, _dQueries + row * padded, padded, padded, visible,
            end);
    }

    /// <summary>Scores become p = exp(score − lse), products dO · v become p (dO · v − δ); unseen ones 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Differentiate(
        float* scores, float* dScores, int row, int from, int to, int seen, int end)
    {
        Vector512<float> lse = Vector512.Create(_lse[row]), delta = Vector512.Create(_delta[row]);
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
    }

    /// <summary>A tile of keys takes what a block of queries adds: dv += pᵀ dO, dk += dsᵀ q.</summary>
    /// <param name="key">First key of the tile.</param>
    /// <param name="col">Where its scores are in rows of them.</param>
    private readonly void AddToKeys(int key, int col, int first)
    {
        int* seen = stackalloc int[Tile], end = stackalloc int[Tile];
        _operands.SeeingInBlock(key, first, _length, seen, end);
        int padded = _operands.PaddedSize;
        float* dValues = _dValues + (long)key * padded, dKeys = _dKeys + (long)key * padded;
        AttentionTiles.AddSeen(_p + col, 1, _width, _dOutput, padded, dValues, padded, padded, seen, end);
        AttentionTiles.AddSeen(_dScores + col, 1, _width, _queries, padded, dKeys, padded, padded, seen, end);
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
            PushBack<SingleElement>(operands, gradients);
        else
            PushBack<BrainElement>(operands, gradients);
    }

    /// <summary>Key heads of segments are shared if that keeps all workers about equally busy; else the workers go
    /// through them together.</summary>
    private void PushBack<TElement>(in AttentionOperands operands, in AttentionGradients gradients)
        where TElement : struct, IElement
    {
        const double MostLoad = 1.2;
        float* shared = null;
        if (LargestShare(operands) * Threads > MostLoad)
            shared = (float*)WorkerScratch(
                0, AttentionBackward<TElement>.ScratchFloats(operands, Threads) * sizeof(float));
        _pool.Run(new AttentionBackwardJob<TElement>(this, operands, gradients, shared));
    }

    /// <summary>The part of all work that the busiest worker has when each key head is one worker's.</summary>
    private double LargestShare(in AttentionOperands operands)
    {
        long total = operands.Cost() * operands.KeyHeads, largest = 0;
        for (int worker = 0; worker < Threads; worker++)
        {
            CostShare share = new(total, worker, Threads);
            long own = 0;
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                long cost = operands.Cost(operands.Segment(segment).Length);
                for (int keyHead = 0; keyHead < operands.KeyHeads; keyHead++)
                    own += share.Takes(cost) ? cost : 0;
            }

            largest = Math.Max(largest, own);
        }

        return (double)largest / Math.Max(total, 1);
    }

    /// <summary>Key heads of segments in order; a worker takes a run of about equal cost, or all take all.</summary>
    /// <param name="shared">Memory of the team of all workers; null where each works alone.</param>
    private readonly struct AttentionBackwardJob<TElement>(
        CpuBackend backend, AttentionOperands operands, AttentionGradients gradients, float* shared) : IJob
        where TElement : struct, IElement
    {
        public void Run(int worker, int workers)
        {
            bool alone = shared == null;
            AttentionTeam team = alone ? AttentionTeam.Alone : new(backend._pool, worker, workers);
            float* scratch = alone
                ? (float*)backend.WorkerScratch(
                    worker, AttentionBackward<TElement>.ScratchFloats(operands, 1) * sizeof(float))
                : shared;
            AttentionBackward<TElement> backward = new(operands, gradients, team, scratch);
            CostShare share = new(operands.Cost() * operands.KeyHeads, worker, workers);
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                var (start, length) = operands.Segment(segment);
                long cost = operands.Cost(length);
                for (int keyHead = 0; keyHead < operands.KeyHeads; keyHead++)
                    if (!alone || share.Takes(cost))
                        backward.Run(start, length, keyHead);
            }
        }
    }
}
