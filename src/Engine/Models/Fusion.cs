using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>The sum of what several bottlenecks make of a row, weighed by attention among them.</summary>
/// <remarks>
/// With zₙ = bottleneckₙ(h): Σₙ softmaxₙ((Q h) · (K zₙ)) V zₙ. Every row and its N results are a segment of attention
/// with one head of width C, in which the first row alone asks. Pfeiffer et al. 2021 (AdapterFusion), section 3.2.
/// </remarks>
/// <param name="adapters">N, frozen, of any widths.</param>
/// <param name="query">Q [C, C].</param>
/// <param name="key">K [C, C].</param>
/// <param name="value">V [C, C].</param>
public sealed class Fusion(IReadOnlyList<Bottleneck> adapters, Linear query, Linear key, Linear value) : BlockAdapter
{
    private int[] _order = [], _inverse = [], _bounds = [];

    public override bool IsTrained => query.IsTrained || key.IsTrained || value.IsTrained;

    internal override Activation? AfterMlp(Tape t, Activation h)
    {
        int rows = checked((int)h.Value.Rows), count = adapters.Count;
        long width = h.Value.Cols, all = (long)rows * count;
        Prepare(rows);
        Tensor order = t.Upload<int>(_order.AsSpan(0, checked((int)all)), DType.I32, new Shape(all));
        Tensor inverse = t.Upload<int>(_inverse.AsSpan(0, checked((int)all)), DType.I32, new Shape(all));
        Tensor bounds = t.Upload<int>(_bounds.AsSpan(0, 2 * rows), DType.I32, new Shape(rows, 2));
        var segments = new Segments(bounds, count);
        Activation made = t.Zeros(h.Value.Type, all, width);                                        // [N·m, C]
        for (int i = 0; i < count; i++)
            made = t.AddRows(made, adapters[i].Of(t, h), (long)i * rows);
        made = t.Permute(made, order, inverse);                                                     // [m·N, C]
        Activation asked = t.AddRows(t.Zeros(h.Value.Type, all, width), t.Linear(h, query), first: 0);
        var shape = new AttentionShape(1, 1, checked((int)width), Scale: 1, AttentionMask.Bidirectional);
        Activation mixed = t.Attention(
            t.Permute(asked, order, inverse), t.Linear(made, key), t.Linear(made, value), segments, shape);
        return t.Rows(t.Permute(mixed, inverse, order), new RowRange(0, rows));
    }

    /// <summary>Row n·m + i of what is stacked by adapter is row i·N + n of what is stacked by row.</summary>
    private void Prepare(int rows)
    {
        int count = adapters.Count, all = checked(rows * count);
        if (_order.Length < all)
            (_order, _inverse, _bounds) = (new int[all], new int[all], new int[2 * rows]);
        for (int i = 0; i < rows; i++)
        {
            (_bounds[2 * i], _bounds[2 * i + 1]) = (i * count, (i + 1) * count);
            for (int n = 0; n < count; n++)
                (_order[i * count + n], _inverse[n * rows + i]) = (n * rows + i, i * count + n);
        }
    }
}
