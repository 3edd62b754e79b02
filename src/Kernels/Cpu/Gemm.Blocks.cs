using System.Runtime.CompilerServices;
using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <content>The loops around the micro-kernels.</content>
internal sealed unsafe partial class Gemm
{
    /// <summary>How many columns, and how many blocks of the reduction, are packed together at once.</summary>
    private readonly record struct SharedPlan(long Cols, int Blocks);

    /// <summary>A right side that all workers packed: where it starts, and what columns and blocks it has.</summary>
    private readonly struct Packed(float* start, Part part)
    {
        /// <summary>Null where a worker packs panel by panel.</summary>
        public float* Start => start;

        public long Col => part.Col;

        public long Cols => part.Cols;

        public int FirstBlock => part.FirstBlock;
    }

    /// <summary>A part of the output, and the blocks of the reduction that are added to it.</summary>
    private readonly record struct Part(long Row, long Rows, long Col, long Cols, int FirstBlock, int EndBlock);

    private SharedPlan Plan(in Product product)
    {
        ReductionBlocks blocks = new(product, HasPairs);
        long width = _single.Cols, steps = 0;
        for (int index = 0; index < blocks.Count; index++)
            steps += blocks[index].Steps + (product.Term(blocks[index].Term).Rows?.Steps(HasPairs) ?? 0);
        long most = SharedValues / Math.Max(steps, 1);
        most = product.OutputType == DType.F32 ? Math.Max(most, LeastSharedCols) : Math.Min(most, StagedCols);
        long chunks = (product.Cols + Math.Max(most, width) - 1) / Math.Max(most, width);
        long cols = ((product.Cols + chunks - 1) / chunks + width - 1) / width * width;
        int together = product.OutputType == DType.F32
            ? (int)Math.Clamp(SharedValues / (cols * ReductionBlocks.MostSteps), 1, blocks.Count)
            : blocks.Count;
        return new SharedPlan(cols, together);
    }

    /// <summary>Floats that packed panels of the right side take, for blocks [first, end).</summary>
    private long SharedFloats(in Product product, ReductionBlocks blocks, int first, int end, long panels)
    {
        long floats = 0;
        for (int index = first; index < end; index++)
            floats += product.Term(blocks[index].Term).Rows is { } rows
                ? RowTermFloats(rows, rows.Count, panels)
                : panels * Packing.PanelFloats(blocks[index].Steps, _single.Cols);
        return floats;
    }

    /// <summary>What one worker does where rows are shared: all pack the right side, then each takes pieces.</summary>
    private void MultiplyRows(in Product product, SharedPlan plan, float* shared, int worker, int workers)
    {
        ReductionBlocks blocks = new(product, HasPairs);
        for (long col = 0; col < product.Cols; col += plan.Cols)
            for (int first = 0; first < blocks.Count; first += plan.Blocks)
            {
                if (col > 0 || first > 0)
                    _pool.Meet();
                Part part = new(
                    0, product.Rows, col, Math.Min(plan.Cols, product.Cols - col), first,
                    Math.Min(first + plan.Blocks, blocks.Count));
                PackShared(product, blocks, part, shared, worker, workers);
                Pieces pieces = PiecesOf(product, blocks, part, workers);
                _pool.Shares.Set(worker, pieces.Count * worker / workers, pieces.Count * (worker + 1) / workers);
                _pool.Meet();
                Packed right = new(shared, part);
                while (_pool.Shares.Take(worker, pieces.Least, out long start, out long end))
                    while (start < end)
                    {
                        Part some = pieces.Take(ref start, end, _single.Cols, out Part next);
                        MultiplyBlock(product, blocks, some, next, right, worker);
                    }
            }
    }

    private void PackShared(
        in Product product, ReductionBlocks blocks, Part part, float* shared, int worker, int workers)
    {
        long panels = (part.Cols + _single.Cols - 1) / _single.Cols;
        long start = panels * worker / workers, end = panels * (worker + 1) / workers;
        for (int index = part.FirstBlock; index < part.EndBlock; index++)
        {
            if (PackedRight(product, blocks, index) != null)
                continue;
            float* target = shared + SharedFloats(product, blocks, part.FirstBlock, index, panels);
            if (product.Term(blocks[index].Term).Rows is { } rows)
            {
                PackRowTerms(rows, product, part.Col, panels, start, end, target);
                continue;
            }

            target += start * Packing.PanelFloats(blocks[index].Steps, _single.Cols);
            PackRight(product, blocks[index], part.Col + start * _single.Cols, end - start, target);
        }
    }

    /// <summary>All rows of some columns, on one worker.</summary>
    private void MultiplyColumns(in Product product, long col, long cols, int worker)
    {
        ReductionBlocks blocks = new(product, HasPairs);
        long most = product.OutputType == DType.F32 ? cols : StagedCols;
        for (long start = col; start < col + cols; start += most)
        {
            Part part = new(0, product.Rows, start, Math.Min(most, col + cols - start), 0, blocks.Count);
            MultiplyPart(product, blocks, part, worker);
        }
    }

    /// <summary>All rows of some columns; their right side is packed panel by panel.</summary>
    private void MultiplyPart(in Product product, ReductionBlocks blocks, Part part, int worker)
    {
        long rowsAtOnce = (long)BlockPanels(product, blocks, alone: true) * _single.Rows;
        Packed right = new(null, part);
        for (long row = 0; row < part.Rows; row += rowsAtOnce)
        {
            Part block = part with { Row = row, Rows = Math.Min(rowsAtOnce, part.Rows - row) };
            Part next = part with { Row = row + block.Rows, Rows = Math.Min(rowsAtOnce, part.Rows - row - block.Rows) };
            MultiplyBlock(product, blocks, block, next, right, worker);
        }
    }

    /// <summary>A block of rows of some columns.</summary>
    /// <param name="next">Rows after it that are to be asked for meanwhile, or none.</param>
    /// <param name="shared">The right side, perhaps of more columns.</param>
    private void MultiplyBlock(
        in Product product, ReductionBlocks blocks, Part block, Part next, Packed shared, int worker)
    {
        if (product.OutputType == DType.F32)
            MultiplyBlock(
                product, blocks, block, next, default, shared,
                new Target(
                    (float*)product.Output + block.Row * product.OutputStride + block.Col,
                    product.OutputStride * sizeof(float)),
                worker);
        else
            MultiplyStaged(product, blocks, block, next, shared, worker);
    }

    /// <summary>Panels of the left side that make a block.</summary>
    /// <param name="alone">Whether the worker packs the right side itself, again for every block.</param>
    private int BlockPanels(in Product product, ReductionBlocks blocks, bool alone)
    {
        if (alone)
            return MostPanels;
        long steps = blocks[0].Steps;
        for (int index = 1; index < blocks.Count; index++)
            steps = Math.Max(steps, blocks[index].Steps);
        long panels = LeftBytes / (Math.Max(steps, 1) * _single.Rows * sizeof(float));
        return (int)Math.Clamp(panels, LeastPanels, MostPanels);
    }

    /// <summary>A BF16 output: its sums are F32 in memory of ours until they are complete, but for those that the
    /// micro-kernels of one block begin and complete. Micro-kernels of pairs round them themselves; else that is done
    /// afterwards.</summary>
    /// <remarks>With one block of the reduction a few panels of columns are completed at a time, whose sums stay in
    /// the second-level cache.</remarks>
    private void MultiplyStaged(
        in Product product, ReductionBlocks blocks, Part part, Part next, Packed shared, int worker)
    {
        // A term of groups of rows packs its own left side.
        int packed = 0;
        for (int index = part.FirstBlock; index < part.EndBlock; index++)
            packed += product.Term(blocks[index].Term).Rows == null ? 1 : 0;
        bool atOnce = packed == 1, isDirect = IsDirect(product, blocks, part);
        bool isStaged = !isDirect || part.EndBlock - part.FirstBlock > 1;
        long width = atOnce && isStaged ? Math.Min(StagedPanels * _single.Cols, part.Cols) : part.Cols;
        float* stage = isStaged ? (float*)_stage[worker].AtLeast(part.Rows * width * sizeof(float)) : null;
        ReductionBlock block = blocks[part.FirstBlock];
        LeftPanels left = atOnce ? LeftOf(product, block, part, worker) : default;
        for (long col = 0; col < part.Cols; col += width)
        {
            Part some = part with { Col = part.Col + col, Cols = Math.Min(width, part.Cols - col) };
            long start = next.Rows * col / part.Cols, end = next.Rows * (col + some.Cols) / part.Cols;
            Part ahead = next with { Row = next.Row + start, Rows = end - start };
            ushort* output = (ushort*)product.Output + part.Row * product.OutputStride + some.Col;
            Target target = new(
                stage, width * sizeof(float), isDirect ? (byte*)output : null, product.OutputStride * sizeof(ushort));
            if (MultiplyBlock(product, blocks, some, ahead, left, shared, target, worker))
                continue;
            for (long row = 0; row < part.Rows; row++)
                Convert.Run<SingleElement, BrainElement>(
                    stage + row * width, output + row * product.OutputStride, 0, some.Cols);
        }
    }

    /// <summary>A block of rows, through all its blocks of the reduction.</summary>
    /// <param name="next">The block of rows after it, which may have none.</param>
    /// <param name="ready">The left side where it is ready, or default.</param>
    /// <param name="shared">The right side, perhaps of more columns than the part's.</param>
    /// <returns>Whether the sums went to the target's output.</returns>
    private bool MultiplyBlock(
        in Product product, ReductionBlocks blocks, Part part, Part next, LeftPanels ready, Packed shared,
        Target target, int worker)
    {
        Tile tile = default;
        if (part.FirstBlock > 0)
            tile.SetBase(target.Sums, target.SumStride);
        else
            SetBase(product, part, target, ref tile);
        long panels = PanelsOf(part.Cols);
        bool writesOutput = false;
        for (int index = part.FirstBlock; index < part.EndBlock; index++)
        {
            ReductionBlock block = blocks[index];
            float* right = PackedRight(product, blocks, index);
            bool packsPanels = right == null && shared.Start == null;
            long firstPanel = (part.Col - (right != null ? 0 : shared.Col)) / _single.Cols;
            if (packsPanels)
                right = (float*)_right[worker].AtLeast(
                    Packing.PanelFloats(ReductionBlocks.MostSteps, _single.Cols) * sizeof(float));
            else if (right == null)
                right = shared.Start
                    + SharedFloats(product, blocks, shared.FirstBlock, index, PanelsOf(shared.Cols));
            writesOutput = target.IsDirect && index + 1 == part.EndBlock;
            if (product.Term(block.Term).Rows is { } rows)
            {
                writesOutput &= rows.Cover(part.Row, part.Rows);
                AddRowTerms(
                    rows, product, part, packsPanels ? null : right, PanelsOf(shared.Cols), firstPanel, target,
                    writesOutput, worker);
                continue;
            }

            LeftPanels left = ready.Kernels != null ? ready : LeftOf(product, block, part, worker);
            long panelFloats = Packing.PanelFloats(block.Steps, _single.Cols);
            tile.Steps = block.Steps;
            tile.AddsLast = product.Term(block.Term).InLinks ? 1 : 0;
            tile.LeftStride = left.RowBytes;
            tile.GoesDown = 1;
            byte* output = target.Take(writesOutput, ref tile);
            bool endsLeft = index + 1 == part.EndBlock || product.Term(blocks[index + 1].Term).Rows != null;
            Ahead ahead = endsLeft
                ? AheadOf(product, blocks[part.FirstBlock], next)
                : AheadOf(product, blocks[index + 1], part);
            long tiles = panels * ((part.Rows + _single.Rows - 1) / _single.Rows);
            long perTile = (ahead.CacheLines + tiles - 1) / tiles;
            for (long panel = 0; panel < panels; panel++)
            {
                tile.Right = right + (packsPanels ? 0 : (firstPanel + panel) * panelFloats);
                if (packsPanels)
                    PackRight(product, block, part.Col + panel * _single.Cols, 1, tile.Right);
                MultiplyPanel(left, part, panel * _single.Cols, output, tile, ref ahead, perTile);
            }

            tile.SetBase(target.Sums, target.SumStride);
        }

        return writesOutput;
    }

    private static Ahead AheadOf(in Product product, ReductionBlock block, Part part) =>
        new(product.Term(block.Term).Left, block, part.Row, part.Rows);

    private LeftPanels LeftOf(in Product product, ReductionBlock block, Part part, int worker) =>
        LeftOf(
            product.Term(block.Term).Left, block, part.Row, part.Rows, product.Rows - part.Row, _left[worker]);

    private void PackRight(in Product product, ReductionBlock block, long col, long panels, float* target)
    {
        Term term = product.Term(block.Term);
        Packing.Pack(term.Right, block, col, product.Cols - col, panels, _single.Cols, target);
    }

    /// <summary>One panel of columns, down all tiles of the part.</summary>
    /// <param name="col">First column, counted from the part's.</param>
    private static void MultiplyPanel(
        LeftPanels left, Part part, long col, byte* output, Tile tile, ref Ahead ahead, long perTile)
    {
        MicroKernels kernels = left.Kernels;
        byte* rowsOf = (byte*)left.Start;
        int cols = (int)Math.Min(kernels.Cols, part.Cols - col);
        tile.Mask = (uint)((1UL << cols) - 1);
        bool inPlace = cols == kernels.Cols || kernels.MasksColumns;
        for (long row = 0; row < part.Rows; row += kernels.Rows)
        {
            int rows = (int)Math.Min(kernels.Rows, part.Rows - row);
            ahead.Ask(perTile);
            Tile here = tile;
            here.Left = (float*)rowsOf;
            here.MoveTo(row, col, output);
            if (inPlace)
                kernels.Multiply(rows, cols, &here);
            else
                MultiplyEdge(kernels, rows, cols, here);
            rowsOf += left.PanelBytes;
        }
    }

    /// <summary>A tile that lacks columns, by way of a full one.</summary>
    [SkipLocalsInit]
    private static void MultiplyEdge(MicroKernels kernels, int rows, int cols, Tile tile)
    {
        float* full = stackalloc float[kernels.Rows * kernels.Cols];
        Tile inner = tile;
        inner.Output = full;
        inner.OutputStride = kernels.Cols * sizeof(float);
        if (tile.Base != null)
        {
            for (int row = 0; row < rows; row++)
                for (int col = 0; col < cols; col++)
                    full[row * kernels.Cols + col] = ((float*)((byte*)tile.Base + row * tile.BaseStride))[col];
            inner.SetBase(full, inner.OutputStride);
        }

        kernels.Multiply(rows, cols, &inner);
        for (int row = 0; row < rows; row++)
            for (int col = 0; col < cols; col++)
                ((float*)((byte*)tile.Output + row * tile.OutputStride))[col] = full[row * kernels.Cols + col];
    }

    private readonly struct RowsJob(Gemm gemm, in Product product, SharedPlan plan, nint shared) : IJob
    {
        private readonly Product _product = product;

        public void Run(int worker, int workers) =>
            gemm.MultiplyRows(_product, plan, (float*)shared, worker, workers);
    }

    private readonly struct ColumnsJob(Gemm gemm, in Product product) : IJob
    {
        private readonly Product _product = product;

        public void Run(int worker, int workers)
        {
            ReductionBlocks blocks = new(_product, gemm.HasPairs);
            Part all = new(0, _product.Rows, 0, _product.Cols, 0, blocks.Count);
            // Who takes columns packs the left side for them, where it has to be packed.
            long least = gemm.ReadsRows(_product, blocks, all) ? 1 : gemm.PanelsOf(_product.Cols);
            while (gemm._pool.Shares.Take(worker, least, out long first, out long end))
            {
                long col = first * gemm._single.Cols;
                gemm.MultiplyColumns(_product, col, Math.Min(end * gemm._single.Cols, _product.Cols) - col, worker);
            }
        }
    }
}
