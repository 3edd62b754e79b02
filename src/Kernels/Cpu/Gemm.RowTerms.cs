using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <content>Summands of groups of rows: they go on in the chains of sums that the groups' rows have.</content>
/// <remarks>A packed right side holds the panels of one group after those of the other.</remarks>
internal sealed unsafe partial class Gemm
{
    private long PanelsOf(long cols) => (cols + _single.Cols - 1) / _single.Cols;

    /// <summary>Floats that packed panels of the first terms take.</summary>
    private long RowTermFloats(RowTerms rows, int count, long panels)
    {
        long floats = 0;
        for (int index = 0; index < count; index++)
            floats += panels * Packing.PanelFloats(rows.Block(index, HasPairs).Steps, _single.Cols);
        return floats;
    }

    /// <summary>Packs panels [start, end) of every term's right side.</summary>
    /// <param name="col">Column that panel 0 begins with.</param>
    private void PackRowTerms(
        RowTerms rows, in Product product, long col, long panels, long start, long end, float* target)
    {
        for (int index = 0; index < rows.Count; index++)
        {
            ReductionBlock block = rows.Block(index, HasPairs);
            long floats = Packing.PanelFloats(block.Steps, _single.Cols), first = col + start * _single.Cols;
            Packing.Pack(
                rows[index].Right, block, first, product.Cols - first, end - start, _single.Cols,
                target + start * floats);
            target += panels * floats;
        }
    }

    /// <summary>Adds the terms of a part's rows to its sums.</summary>
    /// <param name="shared">Packed right sides of so many panels, or null to pack them panel by panel.</param>
    /// <param name="firstPanel">The part's first among them.</param>
    /// <param name="writesOutput">Whether the target's output takes the sums: where every row has a term.</param>
    private void AddRowTerms(
        RowTerms rows, in Product product, Part part, float* shared, long sharedPanels, long firstPanel, Target target,
        bool writesOutput, int worker)
    {
        for (int index = 0; index < rows.Count; index++)
        {
            ReductionBlock block = rows.Block(index, HasPairs);
            long start = Math.Max(rows[index].Start, part.Row), end = Math.Min(rows[index].End, part.Row + part.Rows);
            long floats = Packing.PanelFloats(block.Steps, _single.Cols);
            if (start < end && block.Steps > 0)
            {
                Part some = part with { Row = start, Rows = end - start };
                float* right = shared == null ? null : shared + firstPanel * floats;
                AddRowTerm(
                    rows[index], block, product, some, right, target.From(start - part.Row), writesOutput, worker);
            }

            shared = shared == null ? null : shared + sharedPanels * floats;
        }
    }

    /// <param name="part">Rows of the term alone.</param>
    private void AddRowTerm(
        in RowTerm term, ReductionBlock block, in Product product, Part part, float* packed, Target target,
        bool writesOutput, int worker)
    {
        long panels = PanelsOf(part.Cols);
        LeftPanels left = LeftOf(
            term.Left, block, part.Row - term.Start, part.Rows, term.End - part.Row, _rowLeft[worker]);
        long floats = Packing.PanelFloats(block.Steps, _single.Cols);
        float* right = packed != null ? packed : (float*)_rowRight[worker].AtLeast(floats * sizeof(float));
        Tile tile = default;
        tile.SetBase(target.Sums, target.SumStride);
        tile.Steps = block.Steps;
        tile.LeftStride = left.RowBytes;
        tile.GoesDown = 1;
        byte* output = target.Take(writesOutput, ref tile);
        Ahead none = default;
        for (long panel = 0; panel < panels; panel++)
        {
            long col = part.Col + panel * _single.Cols;
            tile.Right = packed != null ? right + panel * floats : right;
            if (packed == null)
                Packing.Pack(term.Right, block, col, product.Cols - col, 1, _single.Cols, right);
            MultiplyPanel(left, part, panel * _single.Cols, output, tile, ref none, 0);
        }
    }
}
