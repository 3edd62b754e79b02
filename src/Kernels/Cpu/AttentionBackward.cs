using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <summary>Gradients of attention for one key head of a segment at a time, scores recomputed block by block.</summary>
/// <remarks>
/// Query heads of the group in order, their blocks of queries in order, and for each its blocks of keys. dq sums over
/// keys in order, dk and dv over query heads and then over queries in order; pairs that do not see one another add
/// nothing. So bits do not depend on blocks, on other segments or on workers: a team shares tiles of queries first,
/// then, with the scores of all its blocks of keys at hand, tiles of keys. All sums are F32; of BF16 operands,
/// probabilities and gradients of scores are rounded for their products.
/// </remarks>
internal unsafe ref struct AttentionBackward<TElement, TSteps>
    where TElement : struct, IElement
    where TSteps : struct, IAttentionSteps
{
    private const int Block = AttentionOperands.KeyBlock, MostRows = 16, ScoreRow = MicroKernels.AcrossFloats;

    private readonly AttentionOperands _operands;
    private readonly AttentionGradients _gradients;
    private readonly AttentionProduct _inRows, _across;
    private readonly AttentionTeam _team;
    private readonly float* _keysTurned, _valuesTurned;     // blocks of keys
    private readonly float* _keys, _dKeys, _dValues;        // blocks of keys as steps; [blocks · Block, PaddedSize]
    private readonly float* _queries, _dOutput, _dQueries;  // [rows, RowFloats], the last one [rows, PaddedSize]
    private readonly float* _querySteps, _dOutputSteps;     // a block of queries as steps
    private readonly float* _p, _dScores;                   // [held blocks, steps of queries, ScoreRow]
    private readonly float* _tile, _dTile;                  // [MostRows, ScoreRow], this member's
    private readonly uint* _numbers;                        // the same, of the dropout mask
    private readonly float* _lse, _delta;                   // [rows]
    private readonly byte* _keysFinite, _queriesFinite;     // [blocks]; [tiles], of queries and dOutput
    private readonly int _rows, _held;                      // queries of a block; blocks of keys with scores at hand
    private readonly long _turned, _steps, _scores;         // floats of a block turned, as steps, of scores
    private int _start, _length;

    /// <param name="scratch">Memory of <see cref="ScratchFloats"/>, one for a team.</param>
    public AttentionBackward(
        in AttentionOperands operands, in AttentionGradients gradients, AttentionProducts products,
        AttentionTeam team, float* scratch)
    {
        (_operands, _gradients, _team) = (operands, gradients, team);
        (_inRows, _across) = (products.InRows, products.Across);
        int cols = _inRows.Cols, padded = operands.PaddedSize;
        _rows = Block / _inRows.Rows * _inRows.Rows;
        _held = Held(operands, team.Members);
        _turned = operands.TurnedFloats<TSteps>(cols);
        _steps = operands.BlockFloats<TSteps>(cols);
        _scores = Block / TSteps.Places * ScoreRow;
        long blocks = AttentionOperands.KeyBlocks(operands.Longest);
        _tile = scratch + team.Member * 3 * MostRows * ScoreRow;
        _dTile = _tile + MostRows * ScoreRow;
        _numbers = (uint*)(_dTile + MostRows * ScoreRow);
        _p = scratch + team.Members * 3 * MostRows * ScoreRow;
        _dScores = _p + _held * _scores;
        _queries = _dScores + _held * _scores;
        _dOutput = _queries + Block * operands.RowFloats<TSteps>();
        _dQueries = _dOutput + Block * operands.RowFloats<TSteps>();
        _querySteps = _dQueries + Block * padded;
        _dOutputSteps = _querySteps + _steps;
        _lse = _dOutputSteps + _steps;
        _delta = _lse + Block;
        _dKeys = _delta + Block;
        _dValues = _dKeys + blocks * Block * padded;
        _keys = _dValues + blocks * Block * padded;
        _keysTurned = _keys + blocks * _steps;
        _valuesTurned = _keysTurned + blocks * _turned;
        _queriesFinite = (byte*)(_valuesTurned + blocks * _turned);
        _keysFinite = _queriesFinite + Block;
    }

    public static long ScratchFloats(in AttentionOperands operands, AttentionProduct product, int members)
    {
        long blocks = AttentionOperands.KeyBlocks(operands.Longest), padded = operands.PaddedSize;
        long steps = operands.BlockFloats<TSteps>(product.Cols), turned = operands.TurnedFloats<TSteps>(product.Cols);
        return ScoreRow * (3L * members * MostRows + 2 * Held(operands, members) * Block / TSteps.Places)
            + Block * (2 * operands.RowFloats<TSteps>() + padded + 3) + 2 * steps
            + blocks * (2 * Block * padded + steps + 2 * turned + 1);
    }

    /// <summary>Everything of one key head of a segment.</summary>
    public void Run(int start, int length, int keyHead)
    {
        (_start, _length) = (start, length);
        for (int block = 0; block < AttentionOperands.KeyBlocks(length); block++)
            if (_team.Takes(block))
                PackKeys(block, keyHead);
        _team.Meet();
        for (int head = keyHead * _operands.Group; head < (keyHead + 1) * _operands.Group; head++)
            for (int first = 0; first < length; first += _rows)
                RunQueries(first, Math.Min(_rows, length - first), head);
        for (int row = 0; row < length; row += _inRows.Rows)
        {
            if (!_team.Takes(row / _inRows.Rows))
                continue;
            long at = _operands.KeyAt(start + row, keyHead), packed = (long)row * _operands.PaddedSize;
            int count = Math.Min(_inRows.Rows, length - row);
            _operands.AddRows<TElement>(_dKeys + packed, count, _operands.Shape.Scale, _gradients.DKeys, at);
            _operands.AddRows<TElement>(_dValues + packed, count, _operands.KeptScale, _gradients.DValues, at);
        }

        _team.Meet();
    }

    /// <summary>A team has the scores of all blocks of keys before it goes on to keys; one worker goes block by
    /// block.</summary>
    private static int Held(in AttentionOperands operands, int members) =>
        members == 1 ? 1 : AttentionOperands.KeyBlocks(operands.Longest);

    private readonly void PackKeys(int block, int keyHead)
    {
        int first = block * Block, count = Math.Min(Block, _length - first), cols = _inRows.Cols;
        int floats = count * _operands.PaddedSize;
        long at = _operands.KeyAt(_start + first, keyHead), packed = (long)first * _operands.PaddedSize;
        _operands.PackTurned<TSteps>(
            _operands.Keys, _start + first, keyHead, count, cols, _keysTurned + block * _turned);
        _operands.PackTurned<TSteps>(
            _operands.Values, _start + first, keyHead, count, cols, _valuesTurned + block * _turned);
        bool isFinite = _operands.PackSteps<TElement, TSteps>(
            _operands.Keys, at, count, cols, _keys + block * _steps);
        _keysFinite[block] = (byte)(isFinite ? 1 : 0);
        new Span<float>(_dKeys + packed, floats).Clear();
        new Span<float>(_dValues + packed, floats).Clear();
        _operands.Ask(_operands.Keys, at + _operands.Size, count);
        _operands.Ask(_operands.Values, at + _operands.Size, count);
        _operands.Ask(_gradients.DKeys, at, count);
        _operands.Ask(_gradients.DValues, at, count);
    }

    /// <summary>A block of queries of one head: its dq, and what it adds to dk and dv.</summary>
    private readonly void RunQueries(int first, int count, int head)
    {
        for (int row = 0; row < count; row += _inRows.Rows)
            if (_team.Takes(row / _inRows.Rows))
                PackTile(first, row, Math.Min(_inRows.Rows, count - row), head);
        int end = AttentionOperands.KeyBlocks(_operands.Visible(first + count - 1, _length).End);
        for (int block = _operands.Visible(first, _length).First / Block, stop; block < end; block = stop)
        {
            stop = Math.Min(block + _held, end);
            for (int row = 0; row < count; row += _inRows.Rows)
                if (_team.Takes(row / _inRows.Rows))
                    for (int other = block; other < stop; other++)
                        Visit(other, (other - block) * _scores, first, row, Math.Min(_inRows.Rows, count - row), head);
            _team.Meet();
            for (int other = block; other < stop; other++)
                for (int key = 0; key < Math.Min(Block, _length - other * Block); key += _across.Rows)
                    if (_team.Takes(key / _across.Rows))
                        AddToKeys(other, key, (other - block) * _scores, first, count);
            _team.Meet();
        }

        for (int row = 0; row < count; row += _inRows.Rows)
            if (_team.Takes(row / _inRows.Rows))
                _operands.AddRows<TElement>(
                    _dQueries + row * _operands.PaddedSize, Math.Min(_inRows.Rows, count - row),
                    _operands.Shape.Scale, _gradients.DQueries, _operands.QueryAt(_start + first + row, head));
    }

    /// <summary>Queries and gradients of a tile of rows, their δ and lse, and dq of zeros.</summary>
    private readonly void PackTile(int first, int row, int count, int head)
    {
        int size = _operands.RowFloats<TSteps>(), cols = _inRows.Cols, step = row / TSteps.Places * cols;
        long at = _operands.QueryAt(_start + first + row, head);
        Tensor queries = _operands.Queries, dOutput = _gradients.DOutput;
        _operands.CopyRows<TElement, TSteps>(queries, at, count, _queries + row * size);
        _operands.CopyRows<TElement, TSteps>(dOutput, at, count, _dOutput + row * size);
        bool isFinite = _operands.PackSteps<TElement, TSteps>(queries, at, count, cols, _querySteps + step);
        isFinite &= _operands.PackSteps<TElement, TSteps>(dOutput, at, count, cols, _dOutputSteps + step);
        _queriesFinite[row / _inRows.Rows] = (byte)(isFinite ? 1 : 0);
        new Span<float>(_dQueries + row * _operands.PaddedSize, count * _operands.PaddedSize).Clear();
        SetStatistics(first, row, count, head);
        _operands.Ask(queries, at + _operands.Size, count);
        _operands.Ask(dOutput, at + _operands.Size, count);
        _operands.Ask(_gradients.Output, at + _operands.Size, count);
        _operands.Ask(_gradients.DQueries, at, count);
    }

    /// <summary>δ = Σ dO · o, and lse in powers of 2, of some rows and a head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SetStatistics(int first, int row, int count, int head)
    {
        void* output = (void*)_gradients.Output.Address, dOutput = (void*)_gradients.DOutput.Address;
        float* lse = (float*)_gradients.Lse.Address + (long)(_start + first) * _operands.Heads + head;
        long at = _operands.QueryAt(_start + first + row, head), stride = _gradients.Output.Cols;
        int size = _operands.Size;
        for (int end = row + count; row < end; row++, at += stride)
        {
            Vector512<float> sum = Vector512<float>.Zero;
            for (int col = 0; col < size; col += 16)
                sum = Vector512.FusedMultiplyAdd(
                    Row.Load<TElement>(dOutput, at, col, size), Row.Load<TElement>(output, at, col, size), sum);
            _delta[row] = VectorMath.Sum(sum);
            _lse[row] = lse[(long)row * _operands.Heads] * AttentionOperands.Log2OfE;
        }
    }

    /// <summary>A tile of rows meets a block of keys: probabilities, gradients of scores, and dq.</summary>
    /// <param name="at">Where the block's scores are.</param>
    private readonly void Visit(int block, long at, int first, int row, int count, int head)
    {
        int* seen = stackalloc int[MostRows], end = stackalloc int[MostRows];
        _operands.VisibleInBlock(first + row, count, block * Block, _length, seen, end);
        if (seen[0] >= end[count - 1])
            return; // Nobody looks at these scores: no key of the block is seen.
        int from = seen[0] / 32 * 32, to = (end[count - 1] + 15) / 16 * 16;
        seen[count] = end[count] = 0; // The partner of an odd row sees nothing.
        int cols = _inRows.Cols, size = _operands.RowFloats<TSteps>(), steps = _operands.HeadSteps<TSteps>();
        long panel = _operands.TurnedPanel<TSteps>(cols), skipped = block * _turned + from / cols * panel;
        _inRows.Multiply(
            _queries + row * size, size, _keysTurned + skipped, panel, steps, count, _tile + from, ScoreRow,
            to - from, adds: false);
        _inRows.Multiply(
            _dOutput + row * size, size, _valuesTurned + skipped, panel, steps, count, _dTile + from, ScoreRow,
            to - from, adds: false);
        if (_operands.DropsOut)
            _operands.Draw(_start + first + row, count, head, block * Block, from, to, ScoreRow, _numbers);
        for (int index = 0; index < count; index += 2)
            Differentiate(at, row, index, from, to, seen, end);
        _inRows.AddSeen<TSteps>(
            _dTile, ScoreRow, _keys + block * _steps, AttentionOperands.BlockPanel<TSteps>(cols), count,
            _dQueries + row * _operands.PaddedSize, _operands.PaddedSize, _operands.PaddedSize, seen, end,
            _keysFinite[block] != 0);
    }

    /// <summary>Of two rows: p = exp(score − lse) and p (dO · v − δ), 0 where unseen, as steps for the keys; the
    /// latter also in rows, for the queries. Where the mask drops, p for the keys and dO · v are 0.</summary>
    /// <param name="index">The first of the rows, in its tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Differentiate(long at, int row, int index, int from, int to, int* seen, int* end)
    {
        float* step = _p + at + (row + index) / TSteps.Places * ScoreRow, dStep = step + (_dScores - _p);
        float* dFirst = _dTile + index * ScoreRow, dSecond = dFirst + ScoreRow;
        Clear(step, from, to);
        Clear(dStep, from, to);
        for (int col = from; col < to; col += 32)
        {
            Vector512<float> dUpper0 = Vector512<float>.Zero, dUpper1 = Vector512<float>.Zero;
            Share(row, index, col, seen, end, out var p0, out var dLower0);
            Share(row, index + 1, col, seen, end, out var p1, out var dLower1);
            TSteps.StoreSteps(p0, p1, step + col, ScoreRow);
            TSteps.StoreSteps(dLower0, dLower1, dStep + col, ScoreRow);
            if (col + 16 < to)
            {
                Share(row, index, col + 16, seen, end, out p0, out dUpper0);
                Share(row, index + 1, col + 16, seen, end, out p1, out dUpper1);
                TSteps.StoreSteps(p0, p1, step + col + 16, ScoreRow);
                TSteps.StoreSteps(dUpper0, dUpper1, dStep + col + 16, ScoreRow);
            }

            TSteps.StoreRow(dLower0, dUpper0, dFirst, col);
            TSteps.StoreRow(dLower1, dUpper1, dSecond, col);
        }
    }

    /// <summary>What a tile of keys that is seen in part reads beside the columns that a tile of rows sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Clear(float* step, int from, int to)
    {
        TSteps.StoreSteps(Vector512<float>.Zero, Vector512<float>.Zero, step + to, ScoreRow);
        if (from > 0)
            TSteps.StoreSteps(Vector512<float>.Zero, Vector512<float>.Zero, step + from - 16, ScoreRow);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Share(
        int row, int index, int col, int* seen, int* end, out Vector512<float> p, out Vector512<float> dScore)
    {
        Vector512<float> scale = Vector512.Create(_operands.BinaryScale);
        p = VectorMath.Exp2(
            Vector512.FusedMultiplyAdd(
                Vector512.Load(_tile + index * ScoreRow + col), scale, Vector512.Create(-_lse[row + index])));
        Vector512<float> dP = Vector512.Load(_dTile + index * ScoreRow + col);
        if (_operands.DropsOut)
            dP = _operands.Kept(dP * Vector512.Create(_operands.KeptScale), _numbers + index * ScoreRow + col);
        dScore = p * (dP - Vector512.Create(_delta[row + index]));
        if (_operands.DropsOut)
            p = _operands.Kept(p, _numbers + index * ScoreRow + col);
        if (col >= seen[index] && col + 16 <= end[index])
            return;
        Vector512<float> visible = AttentionOperands.Between(col, seen[index], end[index]);
        p = Vector512.ConditionalSelect(visible, p, Vector512<float>.Zero);
        dScore = Vector512.ConditionalSelect(visible, dScore, Vector512<float>.Zero);
    }

    /// <summary>A tile of keys takes what a block of queries adds: dv += pᵀ dO, dk += dsᵀ q.</summary>
    /// <param name="key">First key of the tile, in its block.</param>
    /// <param name="at">Where the block's scores are.</param>
    private readonly void AddToKeys(int block, int key, long at, int first, int count)
    {
        int* seen = stackalloc int[MostRows], end = stackalloc int[MostRows];
        int index = block * Block + key, keys = Math.Min(Math.Min(_across.Rows, Block - key), _length - index);
        _operands.SeeingInBlock(index, keys, first, count, _length, seen, end);
        int padded = _operands.PaddedSize;
        long panel = AttentionOperands.BlockPanel<TSteps>(_across.Cols);
        bool isFinite = new Span<byte>(_queriesFinite, (count + _inRows.Rows - 1) / _inRows.Rows).IndexOf((byte)0) < 0;
        _across.AddSeen<TSteps>(
            _p + at + key, 0, _dOutputSteps, panel, keys, _dValues + (long)index * padded, padded, padded, seen, end,
            isFinite);
        _across.AddSeen<TSteps>(
            _dScores + at + key, 0, _querySteps, panel, keys, _dKeys + (long)index * padded, padded, padded, seen,
            end, isFinite);
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
            PushBack<SingleElement, SingleSteps>(operands, gradients, _attentionSingles);
        else if (_attentionPairs is null)
            PushBack<BrainElement, SingleSteps>(operands, gradients, _attentionSingles);
        else
            PushBack<BrainElement, PairSteps>(operands, gradients, _attentionPairs);
    }

    /// <summary>Key heads of segments are shared if that keeps all workers about equally busy; else the workers go
    /// through them together.</summary>
    private void PushBack<TElement, TSteps>(
        in AttentionOperands operands, in AttentionGradients gradients, AttentionProducts products)
        where TElement : struct, IElement
        where TSteps : struct, IAttentionSteps
    {
        const double MostLoad = 1.2;
        float* shared = null;
        if (LargestShare(operands) * Threads > MostLoad)
            shared = (float*)WorkerScratch(
                0, AttentionBackward<TElement, TSteps>.ScratchFloats(operands, products.InRows, Threads)
                * sizeof(float));
        _pool.Run(new AttentionBackwardJob<TElement, TSteps>(this, operands, gradients, products, shared));
    }

    /// <summary>The part of all work that the busiest worker has when each key head is one worker's.</summary>
    private double LargestShare(in AttentionOperands operands)
    {
        long total = operands.Cost(AttentionOperands.KeyBlock) * operands.KeyHeads, largest = 0;
        for (int worker = 0; worker < Threads; worker++)
        {
            CostShare share = new(total, worker, Threads);
            long own = 0;
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                long cost = operands.SegmentCost(operands.Segment(segment).Length, AttentionOperands.KeyBlock);
                for (int keyHead = 0; keyHead < operands.KeyHeads; keyHead++)
                    own += share.Takes(cost) ? cost : 0;
            }

            largest = Math.Max(largest, own);
        }

        return (double)largest / Math.Max(total, 1);
    }

    /// <summary>Key heads of segments in order; a worker takes a run of about equal cost, or all take all.</summary>
    /// <param name="shared">Memory of the team of all workers; null where each works alone.</param>
    private readonly struct AttentionBackwardJob<TElement, TSteps>(
        CpuBackend backend, AttentionOperands operands, AttentionGradients gradients, AttentionProducts products,
        float* shared) : IJob
        where TElement : struct, IElement
        where TSteps : struct, IAttentionSteps
    {
        public void Run(int worker, int workers)
        {
            bool alone = shared == null;
            AttentionTeam team = alone ? AttentionTeam.Alone : new(backend._pool, worker, workers);
            float* scratch = alone
                ? (float*)backend.WorkerScratch(
                    worker, AttentionBackward<TElement, TSteps>.ScratchFloats(operands, products.InRows, 1)
                    * sizeof(float))
                : shared;
            AttentionBackward<TElement, TSteps> backward = new(operands, gradients, products, team, scratch);
            CostShare share = new(operands.Cost(AttentionOperands.KeyBlock) * operands.KeyHeads, worker, workers);
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                var (start, length) = operands.Segment(segment);
                long cost = operands.SegmentCost(length, AttentionOperands.KeyBlock);
                for (int keyHead = 0; keyHead < operands.KeyHeads; keyHead++)
                    if (!alone || share.Takes(cost))
                        backward.Run(start, length, keyHead);
            }
        }
    }
}
