using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>Holds that a row of a result has the same bits alone as among a thousand others, wherever it
/// lies.</summary>
public sealed class RowBitsTests
{
    private const int Rows = 1000, Cols = 67, Width = 131, Vocabulary = 301;
    private static readonly int[] Sampled = [0, 1, 6, 511, 998, 999];

    /// <summary>An op over rows [start, start + count) of operands of a thousand, and what it writes row by
    /// row.</summary>
    private sealed record RowCase(Action<long, long> Run, params Tensor[] Outputs);

    private static IReadOnlyList<(string Name, Func<Scene, RowCase> Build)> Ops { get; } =
    [
        ("Add", Add), ("GeGlu", GeGlu), ("GeGluBackward", GeGluBackward), ("SwiGlu", SwiGlu),
        ("SwiGluBackward", SwiGluBackward), ("Gelu", Gelu), ("GeluBackward", GeluBackward), ("Dropout", Dropout),
        ("RmsNorm", RmsNorm), ("RmsNormBackward", RmsNormBackward), ("LayerNorm", LayerNorm),
        ("LayerNormBackward", LayerNormBackward), ("Rope", Rope), ("Embedding", Embedding), ("Linear", Linear),
        ("LinearBackward", LinearBackward), ("LinearResidual", LinearResidual), ("GatedMlp", GatedMlp),
        ("GatedMlpBackward", GatedMlpBackward), ("LinearCrossEntropy", LinearCrossEntropy),
    ];

    /// <summary>Reference is left out: its loops take one row after the other.</summary>
    public static IEnumerable<object[]> Cases =>
        from backend in Harness.Cases.AllBackends
        where backend != "reference"
        from op in Ops
        from types in Types.Computed
        select new object[] { backend, op.Name, types };

    [TestCaseSource(nameof(Cases))]
    public void Row_AloneHasTheBitsItHasAmongAThousand(string name, string op, Types types)
    {
        using Backend backend = Harness.Cases.Open(name);
        using Device device = new(backend);
        Scene scene = new(device, types);
        RowCase rowCase = Ops.Single(candidate => candidate.Name == op).Build(scene);
        double[][] before = [.. rowCase.Outputs.Select(device.Read)];
        rowCase.Run(0, Rows);
        byte[][] among = [.. rowCase.Outputs.Select(device.Bytes)];
        foreach (int row in Sampled)
        {
            for (int i = 0; i < before.Length; i++)
                device.Write(rowCase.Outputs[i], before[i]); // gradients are added to, so they start as before
            rowCase.Run(row, 1);
            for (int i = 0; i < before.Length; i++)
            {
                int size = among[i].Length / Rows;
                byte[] alone = device.Bytes(rowCase.Outputs[i].Slice(row, 1));
                Assert.That(alone, Is.EqualTo(among[i].AsSpan(row * size, size).ToArray()), $"output {i}, row {row}");
            }
        }
    }

    [TestCaseSource(typeof(Harness.Cases), nameof(Harness.Cases.BackendsAndActivations))]
    public void Segment_AloneHasTheBitsItHasAmongForty(string name, Types types)
    {
        using Backend backend = Harness.Cases.Open(name);
        int[] forty = [.. Enumerable.Repeat(25, 40)];
        double[] alone = AttentionCase.Of([25], 2, 1, 16, AttentionMask.Causal, 0).SegmentResults(backend, types, 0, 3);
        AttentionCase packed = AttentionCase.Of(forty, 2, 1, 16, AttentionMask.Causal, 0);
        foreach (int segment in (int[])[0, 17, 39])
            Assert.That(packed.SegmentResults(backend, types, segment, 3, otherSeed: 4), Is.EqualTo(alone));
    }

    private static RowCase Add(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), y = s.Activation(Rows, Cols), z = s.NewActivation(Rows, Cols);
        return new RowCase((start, n) => s.Backend.Add(x.Slice(start, n), y.Slice(start, n), z.Slice(start, n)), z);
    }

    private static RowCase GeGlu(Scene s)
    {
        Tensor g = s.Activation(Rows, Cols), u = s.Activation(Rows, Cols), y = s.NewActivation(Rows, Cols);
        return new RowCase((start, n) => s.Backend.GeGlu(g.Slice(start, n), u.Slice(start, n), y.Slice(start, n)), y);
    }

    private static RowCase GeGluBackward(Scene s)
    {
        Tensor g = s.Activation(Rows, Cols), u = s.Activation(Rows, Cols), dy = s.Activation(Rows, Cols);
        Tensor dg = s.Activation(Rows, Cols), du = s.Activation(Rows, Cols);
        return new RowCase(
            (start, n) => s.Backend.GeGluBackward(
                g.Slice(start, n), u.Slice(start, n), dy.Slice(start, n), dg.Slice(start, n), du.Slice(start, n)),
            dg, du);
    }

    private static RowCase SwiGlu(Scene s)
    {
        Tensor g = s.Activation(Rows, Cols), u = s.Activation(Rows, Cols), y = s.NewActivation(Rows, Cols);
        return new RowCase((start, n) => s.Backend.SwiGlu(g.Slice(start, n), u.Slice(start, n), y.Slice(start, n)), y);
    }

    private static RowCase SwiGluBackward(Scene s)
    {
        Tensor g = s.Activation(Rows, Cols), u = s.Activation(Rows, Cols), dy = s.Activation(Rows, Cols);
        Tensor dg = s.Activation(Rows, Cols), du = s.Activation(Rows, Cols);
        return new RowCase(
            (start, n) => s.Backend.SwiGluBackward(
                g.Slice(start, n), u.Slice(start, n), dy.Slice(start, n), dg.Slice(start, n), du.Slice(start, n)),
            dg, du);
    }

    private static RowCase Gelu(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), y = s.NewActivation(Rows, Cols);
        return new RowCase((start, n) => s.Backend.Gelu(x.Slice(start, n), y.Slice(start, n)), y);
    }

    private static RowCase GeluBackward(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), dy = s.Activation(Rows, Cols), dx = s.Activation(Rows, Cols);
        return new RowCase(
            (start, n) => s.Backend.GeluBackward(x.Slice(start, n), dy.Slice(start, n), dx.Slice(start, n)), dx);
    }

    private static RowCase Dropout(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), y = s.NewActivation(Rows, Cols);
        Tensor keys = s.Device.Put([.. Enumerable.Range(0, Rows).Select(row => row * 77L)]).Reshape(new Shape(Rows, 1));
        DropoutKey key = new(1, 2, 3);
        return new RowCase(
            (start, n) => s.Backend.Dropout(x.Slice(start, n), keys.Slice(start, n), 0.4f, key, y.Slice(start, n)), y);
    }

    private static RowCase RmsNorm(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), w = s.Weight(Cols), y = s.NewActivation(Rows, Cols);
        Tensor rstd = s.NewStatistic(Rows, 1);
        return new RowCase(
            (start, n) => s.Backend.RmsNorm(x.Slice(start, n), w, 1, 1e-6f, y.Slice(start, n), rstd.Slice(start, n)),
            y, rstd);
    }

    private static RowCase RmsNormBackward(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), w = s.Weight(Cols), dy = s.Activation(Rows, Cols);
        Tensor rstd = s.Statistic(Rows, 1), dx = s.Activation(Rows, Cols);
        return new RowCase(
            (start, n) => s.Backend.RmsNormBackward(
                x.Slice(start, n), w, 1, rstd.Slice(start, n), dy.Slice(start, n), dx.Slice(start, n), Tensor.None),
            dx);
    }

    private static RowCase LayerNorm(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), w = s.Weight(Cols), b = s.Weight(Cols), y = s.NewActivation(Rows, Cols);
        Tensor mean = s.NewStatistic(Rows, 1), rstd = s.NewStatistic(Rows, 1);
        return new RowCase(
            (start, n) => s.Backend.LayerNorm(
                x.Slice(start, n), w, b, 1e-5f, y.Slice(start, n), mean.Slice(start, n), rstd.Slice(start, n)),
            y, mean, rstd);
    }

    private static RowCase LayerNormBackward(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), w = s.Weight(Cols), dy = s.Activation(Rows, Cols);
        Tensor mean = s.Statistic(Rows, 1), rstd = s.Statistic(Rows, 1), dx = s.Activation(Rows, Cols);
        return new RowCase(
            (start, n) => s.Backend.LayerNormBackward(
                x.Slice(start, n), w, mean.Slice(start, n), rstd.Slice(start, n), dy.Slice(start, n),
                dx.Slice(start, n), Tensor.None, Tensor.None),
            dx);
    }

    private static RowCase Rope(Scene s)
    {
        Tensor x = s.Activation(Rows, 6 * 11), table = s.Statistic(50, 22);
        Tensor positions = s.Integers(s.Below(50, Rows), Rows, 1);
        return new RowCase(
            (start, n) => s.Backend.Rope(positions.Slice(start, n), table, false, x.Slice(start, n)), x);
    }

    private static RowCase Embedding(Scene s)
    {
        Tensor ids = s.Integers(s.Below(Vocabulary, Rows), Rows, 1), table = s.Weight(Vocabulary, Cols);
        Tensor y = s.NewActivation(Rows, Cols);
        return new RowCase((start, n) => s.Backend.Embedding(ids.Slice(start, n), table, 3, y.Slice(start, n)), y);
    }

    private static RowCase Linear(Scene s)
    {
        Tensor x = s.Activation(Rows, Width), y = s.NewActivation(Rows, Cols);
        LinearWeight w = LinearParts.Weight(s, new LinearShape(Rows, Cols, Width, Bias: true, Rank: 5));
        return new RowCase(
            (start, n) => s.Backend.Linear(x.Slice(start, n), Rowwise(w, start, n), y.Slice(start, n)), y);
    }

    private static RowCase LinearBackward(Scene s)
    {
        Tensor x = s.Activation(Rows, Width), dy = s.Activation(Rows, Cols), dx = s.Activation(Rows, Width);
        LinearWeight w = LinearParts.Weight(s, new LinearShape(Rows, Cols, Width, Bias: true, Rank: 5));
        return new RowCase(
            (start, n) => s.Backend.LinearBackward(
                x.Slice(start, n), Rowwise(w, start, n), dy.Slice(start, n), dx.Slice(start, n), default),
            dx);
    }

    private static RowCase LinearResidual(Scene s)
    {
        Tensor x = s.Activation(Rows, Width), residual = s.Activation(Rows, Cols), y = s.NewActivation(Rows, Cols);
        LinearWeight w = LinearParts.Weight(s, new LinearShape(Rows, Cols, Width, Bias: true, Rank: 5));
        return new RowCase(
            (start, n) => s.Backend.LinearResidual(
                x.Slice(start, n), Rowwise(w, start, n), residual.Slice(start, n), y.Slice(start, n)),
            y);
    }

    private static RowCase GatedMlp(Scene s)
    {
        LinearShape inward = new(Rows, Width, Cols, Rank: 5), outward = new(Rows, Cols, Width, Rank: 5);
        LinearWeight gate = LinearParts.Weight(s, inward), up = LinearParts.Weight(s, inward);
        LinearWeight down = LinearParts.Weight(s, outward);
        Tensor x = s.Activation(Rows, Cols), residual = s.Activation(Rows, Cols), y = s.NewActivation(Rows, Cols);
        Tensor gated = s.NewActivation(Rows, Width), upped = s.NewActivation(Rows, Width);
        return new RowCase(
            (start, n) => s.Backend.GatedMlp(
                x.Slice(start, n), Rowwise(gate, start, n), Rowwise(up, start, n), Rowwise(down, start, n), Gate.GeGlu,
                residual.Slice(start, n), gated.Slice(start, n), upped.Slice(start, n), y.Slice(start, n)),
            gated, upped, y);
    }

    private static RowCase GatedMlpBackward(Scene s)
    {
        LinearWeight gate = new(s.Weight(Width, Cols)), up = new(s.Weight(Width, Cols));
        LinearWeight down = new(s.Weight(Cols, Width));
        Tensor x = s.Activation(Rows, Cols), dy = s.Activation(Rows, Cols), dx = s.Activation(Rows, Cols);
        Tensor gated = s.Activation(Rows, Width), upped = s.Activation(Rows, Width);
        return new RowCase(
            (start, n) => s.Backend.GatedMlpBackward(
                x.Slice(start, n), gate, up, down, Gate.SwiGlu, gated.Slice(start, n), upped.Slice(start, n),
                dy.Slice(start, n), dx.Slice(start, n), default, default, default),
            gated, upped, dx);
    }

    private static RowCase LinearCrossEntropy(Scene s)
    {
        Tensor x = s.Activation(Rows, Cols), w = s.Weight(Vocabulary, Cols), dx = s.Activation(Rows, Cols);
        Tensor targets = s.Integers(s.Below(Vocabulary, Rows), Rows, 1), losses = s.NewStatistic(Rows, 1);
        return new RowCase(
            (start, n) => s.Backend.LinearCrossEntropy(
                x.Slice(start, n), new(w), targets.Slice(start, n), 0.01f, losses.Slice(start, n), dx.Slice(start, n),
                default),
            losses, dx);
    }

    /// <summary>The layer with the rows of x Aᵀ that belong to rows of x.</summary>
    private static LinearWeight Rowwise(LinearWeight w, long start, long count) =>
        w.Adapter.IsNone
            ? w
            : w with { Adapter = w.Adapter with { Projected = w.Adapter.Projected.Slice(start, count) } };
}
