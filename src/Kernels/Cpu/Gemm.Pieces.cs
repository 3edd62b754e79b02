namespace FastCpt.Kernels.Cpu;

/// <content>What workers take of a product while they run.</content>
internal sealed unsafe partial class Gemm
{
    /// <summary>Pieces of a part that has all rows.</summary>
    /// <remarks>A panel of columns of a block of rows where left sides are read where they lie. A left side that must
    /// be packed is packed by who takes it, so that there a piece is a panel of rows, with all columns.</remarks>
    /// <param name="BlockRows">Rows of a piece.</param>
    /// <param name="Panels">Pieces that a block of rows falls into.</param>
    /// <param name="MostBlocks">Blocks of rows that are done together.</param>
    /// <param name="Least">Pieces that are worth taking.</param>
    private readonly record struct Pieces(Part Part, long BlockRows, long Panels, long MostBlocks, long Least)
    {
        public long Count => (Part.Rows + BlockRows - 1) / BlockRows * Panels;

        /// <summary>As many of pieces [start, end) as are done together; start moves beyond them.</summary>
        /// <param name="panelCols">Columns of a panel.</param>
        /// <param name="next">What of the next block of rows is to be asked for meanwhile.</param>
        public Part Take(ref long start, long end, int panelCols, out Part next)
        {
            var (block, panel) = Math.DivRem(start, Panels);
            long taken = Panels == 1 ? Math.Min(end - start, MostBlocks) : Math.Min(end - start, Panels - panel);
            start += taken;
            long blocks = Panels == 1 ? taken : 1, panels = Panels == 1 ? 1 : taken;
            Part some = RowsFrom(block * BlockRows, blocks);
            next = RowsFrom(some.Row + some.Rows, blocks);
            if (Panels == 1)
                return some;
            long first = next.Rows * panel / Panels, last = next.Rows * (panel + panels) / Panels;
            next = next with { Row = next.Row + first, Rows = last - first };
            long col = panel * panelCols;
            return some with { Col = Part.Col + col, Cols = Math.Min(panels * panelCols, Part.Cols - col) };
        }

        private Part RowsFrom(long row, long blocks) =>
            Part with { Row = row, Rows = Math.Clamp(Part.Rows - row, 0, blocks * BlockRows) };
    }

    private Pieces PiecesOf(in Product product, ReductionBlocks blocks, Part part, int workers)
    {
        long most = BlockPanels(product, blocks, alone: false);
        if (!ReadsRows(product, blocks, part))
            return new Pieces(part, _single.Rows, Panels: 1, most, LeastPanels);
        // As many blocks for each worker, of about as many rows.
        long panels = (part.Rows + _single.Rows - 1) / _single.Rows, count = (panels + most - 1) / most;
        count = (count + workers - 1) / workers * workers;
        long rows = (panels + count - 1) / count * _single.Rows;
        return new Pieces(part, rows, PanelsOf(part.Cols), MostBlocks: 1, Least: 1);
    }

    /// <summary>Whether all left sides of a part are read where they lie, those of groups of rows left out, which are
    /// narrow.</summary>
    private bool ReadsRows(in Product product, ReductionBlocks blocks, Part part)
    {
        for (int index = part.FirstBlock; index < part.EndBlock; index++)
        {
            Term term = product.Term(blocks[index].Term);
            if (term.Rows == null && InRowsOf(term.Left, blocks[index]) == null)
                return false;
        }

        return true;
    }
}
