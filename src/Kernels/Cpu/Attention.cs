using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <summary>Attention block by block: a block of queries over its blocks of keys, softmax on the way.</summary>
/// <remarks>
/// The scores of a tile of rows live in the nearest cache; maximum, sum and mix of a row are carried from block to
/// block (Dao et al. 2022, algorithm 1), all in F32. Powers are of 2: scores are scaled by log₂e as well. Blocks of
/// keys start at the segment's first row and a row's sums run over its keys in that order, lanes being keys modulo 16.
/// A key that a row does not see adds exactly 0, so a row's bits depend on its own keys alone: not on its block of
/// queries, on later rows or on other segments.
/// </remarks>
internal unsafe ref struct AttentionForward<TElement, TSteps>
    where TElement : struct, IElement
    where TSteps : struct, IAttentionSteps
{
    private const int Block = AttentionOperands.KeyBlock, Lanes = 16, ScoreRow = MicroKernels.AcrossFloats;

    private readonly AttentionOperands _operands;
    private readonly AttentionProduct _product;
    private readonly void* _output;
    private readonly float* _lse;
    private readonly float* _keys, _values;          // blocks of keys, turned; of values, as steps
    private readonly float* _queries, _mix;          // [rows, RowFloats], [rows, PaddedSize]
    private readonly float* _scores;                 // [tile, ScoreRow]
    private readonly float* _max, _sum, _alpha;      // [rows + Lanes], [rows, Lanes], [Lanes]
    private readonly uint* _numbers;                 // [tile, ScoreRow], of the dropout mask
    private readonly byte* _packed, _finite;         // [blocks], 1 where a block of keys is packed, its values finite
    private readonly int _rows;
    private int _start, _length, _keyHead;

    /// <param name="scratch">Memory of <see cref="ScratchFloats"/>.</param>
    public AttentionForward(
        in AttentionOperands operands, AttentionProduct product, void* output, float* lse, float* scratch)
    {
        (_operands, _product) = (operands, product);
        _output = output;
        _lse = lse;
        _rows = AttentionOperands.QueryRows(product);
        long blocks = AttentionOperands.KeyBlocks(operands.Longest);
        _scores = scratch;
        _queries = _scores + Lanes * ScoreRow;
        _mix = _queries + _rows * operands.RowFloats<TSteps>();
        _max = _mix + _rows * operands.PaddedSize;
        _sum = _max + _rows + Lanes;
        _alpha = _sum + _rows * Lanes;
        _numbers = (uint*)(_alpha + Lanes);
        _values = (float*)_numbers + Lanes * ScoreRow;
        _keys = _values + blocks * operands.BlockFloats<TSteps>(product.Cols);
        _packed = (byte*)(_keys + blocks * operands.TurnedFloats<TSteps>(product.Cols));
        _finite = _packed + blocks;
    }

    public static long ScratchFloats(in AttentionOperands operands, AttentionProduct product)
    {
        long blocks = AttentionOperands.KeyBlocks(operands.Longest);
        return Lanes * (2 * ScoreRow + 2)
            + AttentionOperands.QueryRows(product) * (operands.RowFloats<TSteps>() + operands.PaddedSize + Lanes + 1)
            + blocks * (operands.BlockFloats<TSteps>(product.Cols) + operands.TurnedFloats<TSteps>(product.Cols) + 1);
    }

    /// <summary>Takes the segment and the key head that the next blocks are of.</summary>
    public void Begin(int start, int length, int keyHead)
    {
        (_start, _length, _keyHead) = (start, length, keyHead);
        new Span<byte>(_packed, AttentionOperands.KeyBlocks(length)).Clear();
    }

    /// <summary>Output and lse of a block of queries for one head.</summary>
    /// <param name="first">Its first row.</param>
    public void Run(int first, int head)
    {
        int count = Math.Min(_rows, _length - first);
        _operands.CopyRows<TElement, TSteps>(
            _operands.Queries, _operands.QueryAt(_start + first, head), count, _queries);
        _operands.Ask(_operands.Queries, _operands.QueryAt(_start + first, head + 1), count);
        new Span<float>(_mix, count * _operands.PaddedSize).Clear();
        new Span<float>(_max, _rows + Lanes).Fill(float.NegativeInfinity);
        new Span<float>(_sum, count * Lanes).Clear();
        int end = AttentionOperands.KeyBlocks(_operands.Visible(first + count - 1, _length).End);
        for (int block = _operands.Visible(first, _length).First / Block; block < end; block++)
        {
            PackKeys(block);
            for (int row = 0; row < count; row += _product.Rows)
                Visit(block, first, row, Math.Min(_product.Rows, count - row), head);
        }

        Finish(first, count, head);
    }

    private void PackKeys(int block)
    {
        if (_packed[block] != 0)
            return;
        int row = _start + block * Block, count = Math.Min(Block, _length - block * Block), cols = _product.Cols;
        _operands.PackTurned<TSteps>(
            _operands.Keys, row, _keyHead, count, cols, _keys + block * _operands.TurnedFloats<TSteps>(cols));
        _operands.Ask(_operands.Keys, _operands.KeyAt(row, _keyHead + 1), count);
        _operands.Ask(_operands.Values, _operands.KeyAt(row, _keyHead + 1), count);
        bool isFinite = _operands.PackSteps<TElement, TSteps>(
            _operands.Values, _operands.KeyAt(row, _keyHead), count, cols,
            _values + block * _operands.BlockFloats<TSteps>(cols));
        (_packed[block], _finite[block]) = (1, (byte)(isFinite ? 1 : 0));
    }

    /// <summary>A tile of rows meets a block of keys.</summary>
    /// <param name="first">First row of the block of queries.</param>
    /// <param name="row">First row of the tile, in its block.</param>
    private void Visit(int block, int first, int row, int count, int head)
    {
        int* seen = stackalloc int[Lanes], end = stackalloc int[Lanes];
        _operands.VisibleInBlock(first + row, count, block * Block, _length, seen, end);
        int from = seen[0] / 32 * 32, to = (end[count - 1] + 15) / 16 * 16;
        if (seen[0] >= end[count - 1])
            return;
        int cols = _product.Cols, size = _operands.RowFloats<TSteps>(), padded = _operands.PaddedSize;
        long panel = _operands.TurnedPanel<TSteps>(cols);
        float* mix = _mix + row * padded;
        _product.Multiply(
            _queries + row * size, size, _keys + block * _operands.TurnedFloats<TSteps>(cols) + from / cols * panel,
            panel, _operands.HeadSteps<TSteps>(), count, _scores + from, ScoreRow, to - from, adds: false);
        if (_operands.DropsOut)
            _operands.Draw(_start + first + row, count, head, block * Block, from, to, ScoreRow, _numbers);
        Softmax(row, count, from, to, seen, end);
        for (int index = 0; index < count; index++)
            if (_alpha[index] != 1)
                Scale(mix + index * padded, padded, _alpha[index]);
        _product.AddSeen<TSteps>(
            _scores, ScoreRow, _values + block * _operands.BlockFloats<TSteps>(cols),
            AttentionOperands.BlockPanel<TSteps>(cols), count, mix, padded, padded, seen, end, _finite[block] != 0);
    }

    /// <summary>Scores become 2 to (scaled score − maximum so far), 0 where unseen or dropped out; maxima and sums go
    /// on, of what dropped out as well.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Softmax(int row, int count, int from, int to, int* seen, int* end)
    {
        float* top = stackalloc float[Lanes];
        Vector512<float> lowest = Vector512.Create(float.NegativeInfinity);
        Vector512<float> scale = Vector512.Create(_operands.BinaryScale);
        lowest.Store(top);
        for (int index = 0; index < count; index++)
            top[index] = Max(_scores + index * ScoreRow, scale, from, to, seen[index], end[index]);

        // Lanes are the rows of the tile. A row that has seen no key yet keeps −∞; 0 in its place keeps NaN away.
        Vector512<float> before = Vector512.Load(_max + row), after = Vector512.MaxNative(before, Vector512.Load(top));
        Vector512<float> reference = Vector512.ConditionalSelect(
            Vector512.Equals(after, lowest), Vector512<float>.Zero, after);
        after.Store(_max + row);
        reference.Store(top);
        VectorMath.Exp2(before - reference).Store(_alpha);
        for (int index = 0; index < count; index++)
        {
            Vector512<float> added = Exponentiate(
                index, scale, top[index], from, to, seen[index], end[index]);
            float* sum = _sum + (row + index) * Lanes;
            Vector512.FusedMultiplyAdd(Vector512.Load(sum), Vector512.Create(_alpha[index]), added).Store(sum);
        }
    }

    /// <summary>The largest scaled score that is seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Max(float* scores, Vector512<float> scale, int from, int to, int first, int end)
    {
        Vector512<float> max = Vector512.Create(float.NegativeInfinity);
        for (int col = from; col < to; col += 16)
        {
            Vector512<float> part = Vector512.Load(scores + col) * scale;
            if (col < first || col + 16 > end)
                part = Vector512.ConditionalSelect(
                    AttentionOperands.Between(col, first, end), part, Vector512.Create(float.NegativeInfinity));
            max = Vector512.MaxNative(max, part);
        }

        return VectorMath.Max(max);
    }

    /// <summary>Writes a row of powers, as a left side, over its scores.</summary>
    /// <returns>Their sum before they drop out or are rounded to steps.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly Vector512<float> Exponentiate(
        int index, Vector512<float> scale, float reference, int from, int to, int first, int end)
    {
        float* scores = _scores + index * ScoreRow;
        Vector512<float> sum = Vector512<float>.Zero, shift = Vector512.Create(-reference);
        for (int col = from; col < to; col += 32)
        {
            Vector512<float> lower = Power(scores, scale, shift, col, first, end), upper = Vector512<float>.Zero;
            if (col + 16 < to)
                upper = Power(scores, scale, shift, col + 16, first, end);
            sum = sum + lower + upper;
            if (_operands.DropsOut)
            {
                uint* numbers = _numbers + index * ScoreRow + col;
                (lower, upper) = (_operands.Kept(lower, numbers), _operands.Kept(upper, numbers + 16));
            }

            TSteps.StoreRow(lower, upper, scores, col);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Power(
        float* scores, Vector512<float> scale, Vector512<float> shift, int col, int first, int end)
    {
        Vector512<float> power =
            VectorMath.Exp2(Vector512.FusedMultiplyAdd(Vector512.Load(scores + col), scale, shift));
        return col < first || col + 16 > end
            ? Vector512.ConditionalSelect(AttentionOperands.Between(col, first, end), power, Vector512<float>.Zero)
            : power;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(float* row, int cols, float factor)
    {
        Vector512<float> factors = Vector512.Create(factor);
        for (int col = 0; col < cols; col += 16)
            (Vector512.Load(row + col) * factors).Store(row + col);
    }

    /// <summary>o = mix / sum, times the scale of what dropout kept, and lse = maximum + log(sum).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Finish(int first, int count, int head)
    {
        const float Ln2 = 0.693147181f;
        int size = _operands.Size, padded = _operands.PaddedSize;
        long at = _operands.QueryAt(_start + first, head), stride = _operands.Queries.Cols;
        float* sums = _alpha, logs = _scores;
        for (int row = 0; row < count; row++, at += stride)
        {
            float sum = VectorMath.Sum(Vector512.Load(_sum + row * Lanes));
            Vector512<float> share = Vector512.Create(_operands.KeptScale / sum);
            // Adding 0 makes one zero of the two, whose sign unseen keys could otherwise change.
            for (int col = 0; col < size; col += 16)
                Row.Store<TElement>(
                    Vector512.FusedMultiplyAdd(
                        Vector512.Load(_mix + row * padded + col), share, Vector512<float>.Zero),
                    _output, at, col, size);
            sums[row % Lanes] = sum;
            if (row % Lanes == Lanes - 1 || row == count - 1)
                Vector512.FusedMultiplyAdd(
                    Vector512.Load(_max + row / Lanes * Lanes), Vector512.Create(Ln2),
                    VectorMath.Log(Vector512.Load(sums)))
                    .Store(logs + row / Lanes * Lanes);
        }

        float* lse = _lse + (long)(_start + first) * _operands.Heads + head;
        for (int row = 0; row < count; row++)
            lse[(long)row * _operands.Heads] = logs[row];
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse)
    {
        ClearPadding(segments, o, lse);
        AttentionOperands operands = new(q, k, v, segments, shape);
        if (IsSingle(q))
            _pool.Run(new AttentionJob<SingleElement, SingleSteps>(this, operands, _attentionSingles, o, lse));
        else if (_attentionPairs is null)
            _pool.Run(new AttentionJob<BrainElement, SingleSteps>(this, operands, _attentionSingles, o, lse));
        else
            _pool.Run(new AttentionJob<BrainElement, PairSteps>(this, operands, _attentionPairs, o, lse));
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
    private readonly struct AttentionJob<TElement, TSteps>(
        CpuBackend backend, AttentionOperands operands, AttentionProducts products, Tensor o, Tensor lse) : IJob
        where TElement : struct, IElement
        where TSteps : struct, IAttentionSteps
    {
        public void Run(int worker, int workers)
        {
            AttentionProduct product = products.InRows;
            float* scratch = (float*)backend.WorkerScratch(
                worker, AttentionForward<TElement, TSteps>.ScratchFloats(operands, product) * sizeof(float));
            AttentionForward<TElement, TSteps> forward =
                new(operands, product, (void*)o.Address, (float*)lse.Address, scratch);
            int rows = AttentionOperands.QueryRows(product);
            CostShare share = new(operands.Cost(rows) * operands.Heads, worker, workers);
            for (int segment = 0; segment < operands.Segments; segment++)
            {
                var (start, length) = operands.Segment(segment);
                for (int head = 0; head < operands.Heads; head++)
                {
                    if (head % operands.Group == 0)
                        forward.Begin(start, length, head / operands.Group);
                    for (int first = 0; first < length; first += rows)
                        if (share.Takes(operands.Cost(first, rows, length)))
                            forward.Run(first, head);
                }
            }
        }
    }
}
