using FastCpt.Kernels;
using FastCpt.Kernels.Reference;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Rows, segments and heads of one attention.</summary>
/// <param name="Bounds">First row and one past the last of each segment.</param>
internal sealed record AttentionCase(int Rows, int[] Bounds, AttentionShape Shape)
{
    /// <summary>One row, ragged blocks, unequal heads, padding, an empty segment, none at all, every mask.</summary>
    public static IEnumerable<AttentionCase> Biting =>
        from mask in Enum.GetValues<AttentionMask>()
        from shape in new[]
        {
            Of([1], 1, 1, 1, mask, 1), Of([7], 4, 2, 8, mask, 3), Of([], 2, 1, 4, mask, 5), Padded(mask),
            Of([15, 0, 17, 16], 3, 3, 7, mask, 16), Of([33, 2], 6, 2, 33, mask, 17), Of([150], 2, 1, 64, mask, 90),
            Of([65, 64], 1, 1, 80, mask, 64),
        }
        select shape;

    public static readonly DropoutKey Key = new(Seed: 0x1234_5678_9ABC_DEF0, Update: 5_000_000_000, Layer: 4);

    /// <summary>Of dropout.</summary>
    public float Rate { get; init; }

    public int Width => Shape.Heads * Shape.HeadSize;

    public int KeyWidth => Shape.KeyHeads * Shape.HeadSize;

    public IEnumerable<int> PaddingRows =>
        Enumerable.Range(0, Rows).Where(row => !Bounds.Chunk(2).Any(b => row >= b[0] && row < b[1]));

    private int Longest => Bounds.Chunk(2).Select(b => b[1] - b[0]).DefaultIfEmpty().Max();

    /// <summary>Segments one after the other.</summary>
    public static AttentionCase Of(
        int[] lengths, int heads, int keyHeads, int headSize, AttentionMask mask, int window)
    {
        List<int> bounds = [];
        int row = 0;
        foreach (int length in lengths)
        {
            bounds.AddRange([row, row + length]);
            row += length;
        }

        return new AttentionCase(row, [.. bounds], ShapeOf(heads, keyHeads, headSize, mask, window));
    }

    /// <summary>Padding before, between and behind the segments; one of them is empty.</summary>
    public static AttentionCase Padded(AttentionMask mask) =>
        new(20, [1, 6, 8, 8, 9, 17], ShapeOf(4, 2, 16, mask, 3));

    /// <summary>The shape with the dropout of a pass, whose row keys lie on the device.</summary>
    /// <param name="rowKeys">One for each row; null: a function of the row.</param>
    public AttentionShape ShapeOn(Device device, long[]? rowKeys = null) => Rate == 0 ? Shape : Shape with
    {
        Dropout = new AttentionDropout(
            Rate, Key, device.Put(rowKeys ?? [.. Enumerable.Range(0, Rows).Select(row => (row * 7919L << 20) + row)])),
    };

    public Segments Segments(Scene s) => new(s.Integers(Bounds, Bounds.Length / 2, 2), Longest);

    public (Tensor Q, Tensor K, Tensor V) Operands(Scene s) =>
        (s.Activation(Rows, Width), s.Activation(Rows, KeyWidth), s.Activation(Rows, KeyWidth));

    public OpCase Forward(Scene s)
    {
        var (q, k, v) = Operands(s);
        Segments segments = Segments(s);
        Tensor o = s.NewActivation(Rows, Width), lse = s.NewStatistic(Rows, Shape.Heads);
        AttentionShape shape = ShapeOn(s.Device);
        double[] Errors(Units units)
        {
            // o = Σ p v: p is off by its relative error, and may be rounded to the activations' type for the product.
            double relative = ShareError(s, q, k, logSum: 0) + (Longest + 8) * Units.Single + Brain(units);
            double[] sizes = ForwardOf(s, s.Drawn(q), s.Drawn(k), Absolute(s.Drawn(v))).O;
            return Array.ConvertAll(sizes, size => relative * size);
        }

        return new OpCase(
            () => s.Backend.Attention(q, k, v, segments, shape, o, lse),
            new Output("o", o, Errors),
            // The exponentials are positive: their sum's relative error is an absolute one of its logarithm.
            Output.Each("lse", lse, (_, _) => ShareError(s, q, k, 0) + (Longest + 4) * Units.Single));
    }

    public OpCase Backward(Scene s)
    {
        var (q, k, v) = Operands(s);
        Tensor dO = s.Activation(Rows, Width), dq = s.Activation(Rows, Width);
        Tensor dk = s.Activation(Rows, KeyWidth), dv = s.Activation(Rows, KeyWidth);
        var (oValues, lseValues) = ForwardOf(s, s.Drawn(q), s.Drawn(k), s.Drawn(v));
        Tensor o = s.ActivationOf(oValues, Rows, Width), lse = s.StatisticOf(lseValues, Rows, Shape.Heads);
        Segments segments = Segments(s);
        AttentionShape shape = ShapeOn(s.Device);
        Lazy<(double[] Dq, double[] Dk, double[] Dv)> sizes = new(Sizes);
        return new OpCase(
            () => s.Backend.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv),
            new Output("dq", dq, units => Added(dq, ScoreSlope(units), sizes.Value.Dq)),
            new Output("dk", dk, units => Added(dk, ScoreSlope(units), sizes.Value.Dk)),
            new Output("dv", dv, units => Added(dv, Relative(units), sizes.Value.Dv)));

        double Relative(Units units)
        {
            double largest = lseValues.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
            int terms = Longest * (Shape.Heads / Shape.KeyHeads);
            return ShareError(s, q, k, largest) + (terms + Shape.HeadSize + 12) * Units.Single + 2 * Brain(units);
        }

        // ds = p (m dO v − δ) scale; |m dO v − δ| is at most |dO| (m |v| + |o|).
        double ScoreSlope(Units units) =>
            Relative(units) * Math.Abs(Shape.Scale) * LongestHead(s.Drawn(dO), Shape.HeadSize)
            * (LongestHead(s.Drawn(v), Shape.HeadSize) / (1 - Rate) + LongestHead(s.Drawn(o), Shape.HeadSize));

        double[] Added(Tensor gradient, double relative, double[] sizes) =>
            [.. sizes.Zip(s.Drawn(gradient), (size, old) => relative * size + Units.Single * Math.Abs(old))];

        // Σ p |k|, Σ pᵀ |q| and Σ (m p)ᵀ |dO|: what errors of ds and p are multiplied by.
        (double[] Dq, double[] Dk, double[] Dv) Sizes()
        {
            AttentionCase whole = this with { Rate = 0 }; // What dropped out has a gradient of its score all the same.
            double[] byQuery = whole.ForwardOf(s, s.Drawn(q), s.Drawn(k), Absolute(s.Drawn(k))).O;
            return (byQuery, whole.ShareWeighted(s, q, k, v, o, lse, q), ShareWeighted(s, q, k, v, o, lse, dO));
        }
    }

    /// <summary>Outputs and gradients of one segment: its operands come from a seed of their own.</summary>
    public double[] SegmentResults(Backend backend, Types types, int segment, int seed, int otherSeed = 0)
    {
        using Device device = new(backend);
        Scene s = new(device, types, seed), others = new(device, types, otherSeed);
        int start = Bounds[2 * segment], end = Bounds[2 * segment + 1];
        Tensor Put(int width)
        {
            double[] values = others.Normal(Rows, width);
            s.Normal(end - start, width).CopyTo(values, start * width);
            return s.ActivationOf(values, Rows, width);
        }

        Tensor q = Put(Width), k = Put(KeyWidth), v = Put(KeyWidth), dO = Put(Width);
        Tensor dq = Put(Width), dk = Put(KeyWidth), dv = Put(KeyWidth);
        Tensor o = s.NewActivation(Rows, Width), lse = s.NewStatistic(Rows, Shape.Heads);
        Segments segments = Segments(s);
        AttentionShape shape = ShapeOn(device, [.. Enumerable.Range(0, Rows).Select(
            row => row >= start && row < end ? ((long)seed << 20) + row - start : (otherSeed * 7919L << 20) + row)]);
        backend.Attention(q, k, v, segments, shape, o, lse);
        backend.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv);
        return [.. ((Tensor[])[o, lse, dq, dk, dv]).SelectMany(t => device.Read(t.Slice(start, end - start)))];
    }

    public override string ToString() =>
        $"{Rows} rows in ({string.Join(' ', Bounds.Chunk(2).Select(b => $"{b[0]}-{b[1]}"))}), {Shape}, rate {Rate}";

    private static AttentionShape ShapeOf(int heads, int keyHeads, int headSize, AttentionMask mask, int window) =>
        new(heads, keyHeads, headSize, 1 / MathF.Sqrt(headSize), mask, mask == AttentionMask.Window ? window : 0);

    private static double[] Absolute(double[] values) => Array.ConvertAll(values, Math.Abs);

    /// <summary>Unit roundoff of BF16 where activations have it: products of BF16 operands round p and ds to
    /// it.</summary>
    private static double Brain(Units units) => units.Activation > Units.Single ? units.Activation : 0;

    /// <summary>The largest Euclidean length of a head's part of a row.</summary>
    private static double LongestHead(double[] values, int headSize) =>
        values.Chunk(headSize).Select(head => Math.Sqrt(head.Sum(x => x * x))).DefaultIfEmpty().Max();

    /// <summary>Relative error of p = exp(scale · q k − lse): that of its exponent in absolute terms, twice for
    /// forward's
    /// own sum of them, and of the exponential.</summary>
    private double ShareError(Scene s, Tensor q, Tensor k, double logSum)
    {
        double score = Math.Abs(Shape.Scale)
            * LongestHead(s.Drawn(q), Shape.HeadSize) * LongestHead(s.Drawn(k), Shape.HeadSize);
        return Units.Single * (2 * (Shape.HeadSize + 4) * score + 2 * logSum + 4);
    }

    private (double[] O, double[] Lse) ForwardOf(Scene s, double[] q, double[] k, double[] v)
    {
        using ReferenceBackend reference = new();
        using Device device = new(reference);
        Tensor o = device.Empty(DType.F64, new Shape(Rows, Width));
        Tensor lse = device.Empty(DType.F64, new Shape(Rows, Shape.Heads));
        Segments segments = new(device.Put(Bounds, new Shape(Bounds.Length / 2, 2)), Longest);
        Tensor Put(double[] values, int width) => device.Put(values, DType.F64, new Shape(Rows, width));
        reference.Attention(Put(q, Width), Put(k, KeyWidth), Put(v, KeyWidth), segments, ShapeOn(device), o, lse);
        return (device.Read(o), device.Read(lse));
    }

    /// <summary>Σ pᵀ |rows|, the gradient of the values with |rows| in the place of dO.</summary>
    private double[] ShareWeighted(Scene s, Tensor q, Tensor k, Tensor v, Tensor o, Tensor lse, Tensor rows)
    {
        using ReferenceBackend reference = new();
        using Device device = new(reference);
        Tensor Put(double[] values, int width) => device.Put(values, DType.F64, new Shape(Rows, width));
        Tensor dq = Put(new double[Rows * Width], Width), dk = Put(new double[Rows * KeyWidth], KeyWidth);
        Tensor dv = Put(new double[Rows * KeyWidth], KeyWidth);
        Segments segments = new(device.Put(Bounds, new Shape(Bounds.Length / 2, 2)), Longest);
        reference.AttentionBackward(
            Put(s.Drawn(q), Width), Put(s.Drawn(k), KeyWidth), Put(s.Drawn(v), KeyWidth), segments, ShapeOn(device),
            Put(s.Drawn(o), Width), Put(s.Drawn(lse), Shape.Heads), Put(Absolute(s.Drawn(rows)), Width), dq, dk, dv);
        return device.Read(dv);
    }
}
