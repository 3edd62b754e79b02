using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <summary>Products of matrices, blocked for the caches and shared by the workers.</summary>
/// <remarks>
/// <para>Every output element is one chain: residual + bias, or 0, then fused multiply-adds over the reduction of the
/// terms in order, in F32; a BF16 output is rounded once at the end. A BF16 term at level
/// <see cref="SimdLevel.Bf16"/> goes in pairs: places 2i + 1, then 2i. So bits depend on the reductions, the types
/// and the level alone: one row of an output has the same bits alone or among others, and a chain may be cut between
/// pairs and continued by a call that adds to its output.</para>
/// <para>Blocks follow Goto and van de Geijn 2008: a block of the left side, read where it lies or packed, stays in the
/// second-level cache, a packed panel of the right side in the first, and a tile of sums in registers. Where there are
/// many rows, workers pack the right side together, then each takes its rows; where there are few, each takes its
/// columns and packs them for itself. Who is done takes of what the others have left. A right side that was packed
/// before, as a whole, is read where it lies.</para>
/// </remarks>
internal sealed unsafe partial class Gemm : IDisposable
{
    /// <summary>A block of the left side: it and the next, which is asked for meanwhile, stay in the second-level
    /// cache.</summary>
    private const long LeftBytes = 400 << 10;

    /// <summary>Panels of such a block.</summary>
    private const int LeastPanels = 4, MostPanels = 24;

    /// <summary>Columns from which rows of one such block are shared by columns.</summary>
    private const long WideCols = 1024;

    /// <summary>Values of the right side that are packed at once, 8 MiB.</summary>
    private const long SharedValues = 2L << 20;

    /// <summary>Columns below which going through the left side again would show.</summary>
    private const long LeastSharedCols = 1024;

    /// <summary>Columns that share a left block, where the output needs memory of ours.</summary>
    private const int StagedCols = 2048;

    /// <summary>Panels of such columns whose sums are completed at a time.</summary>
    private const int StagedPanels = 4;

    /// <summary>Left panels up to which workers share columns instead of rows.</summary>
    private const int FewPanels = 8;

    private readonly WorkerPool _pool;
    private readonly MicroKernels _single, _pairs;
    private readonly MicroKernels? _singleInRows, _pairsInRows;
    private readonly Scratch _shared = new();
    private readonly Scratch[] _left, _right, _stage, _rowLeft, _rowRight;

    public Gemm(WorkerPool pool, SimdLevel level)
    {
        _pool = pool;
        _single = AssembledKernels.Single(level) ?? (MicroKernels)new ManagedKernels();
        _pairs = (_single is AssembledKernels ? AssembledKernels.Pairs(level) : null) ?? _single;
        // Together with those of packed left sides, whose panels of the right side they share, or not at all.
        _singleInRows = _single is AssembledKernels ? AssembledKernels.Single(level, LeftSide.InRows) : null;
        _pairsInRows = HasPairs ? AssembledKernels.Pairs(level, LeftSide.InRows) : null;
        _left = Scratch.Several(pool.Workers);
        _right = Scratch.Several(pool.Workers);
        _stage = Scratch.Several(pool.Workers);
        _rowLeft = Scratch.Several(pool.Workers);
        _rowRight = Scratch.Several(pool.Workers);
    }

    /// <summary>Whether BF16 terms are summed in pairs.</summary>
    public bool HasPairs => _pairs != _single;

    /// <summary>Working memory held.</summary>
    public long ScratchBytes =>
        _shared.Bytes + Scratch.Total(_left) + Scratch.Total(_right) + Scratch.Total(_stage)
        + Scratch.Total(_rowLeft) + Scratch.Total(_rowRight);

    /// <summary>Computes a product on all workers; not to be called within a job.</summary>
    public void Multiply(in Product product)
    {
        if (product.Rows == 0 || product.Cols == 0)
            return;
        int panels = product.Cols >= WideCols ? MostPanels : FewPanels;
        if (product.Rows > (long)panels * _single.Rows)
        {
            MultiplyByRows(product);
            return;
        }

        _pool.Shares.SetAll(PanelsOf(product.Cols));
        _pool.Run(new ColumnsJob(this, product));
    }

    /// <summary>Computes a product on the worker that calls, within a job.</summary>
    public void MultiplyAlone(in Product product, int worker)
    {
        if (product.Rows > 0 && product.Cols > 0)
            MultiplyColumns(product, 0, product.Cols, worker);
    }

    public void Dispose()
    {
        _shared.Dispose();
        for (int worker = 0; worker < _pool.Workers; worker++)
        {
            _left[worker].Dispose();
            _right[worker].Dispose();
            _stage[worker].Dispose();
            _rowLeft[worker].Dispose();
            _rowRight[worker].Dispose();
        }
    }

    private void MultiplyByRows(in Product product)
    {
        SharedPlan plan = Plan(product);
        ReductionBlocks blocks = new(product, HasPairs);
        long floats = 0, panels = (plan.Cols + _single.Cols - 1) / _single.Cols;
        for (int first = 0; first < blocks.Count; first += plan.Blocks)
            floats = Math.Max(
                floats, SharedFloats(product, blocks, first, Math.Min(first + plan.Blocks, blocks.Count), panels));
        void* shared = _shared.AtLeast(floats * sizeof(float));
        _pool.Run(new RowsJob(this, product, plan, (nint)shared));
    }
}
