using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Bench.Kernels;

public class AttentionBench : OpBench<AttentionBench.BatchShape>
{
    private Tensor _q, _k, _v, _o, _lse, _dO, _dq, _dk, _dv;
    private Segments _segments;

    /// <summary>Sequences of equal length and the layer's heads.</summary>
    public readonly record struct BatchShape(
        string Name, int Batch, int Length, int Heads, int KeyHeads, int HeadSize, AttentionMask Mask, int Window = 0)
    {
        public int Rows => Batch * Length;

        public AttentionShape Attention =>
            new(Heads, KeyHeads, HeadSize, 1 / MathF.Sqrt(HeadSize), Mask, Window);

        /// <summary>Pairs of a row and a key that it sees, in one sequence.</summary>
        public double VisiblePairs => OpCost.VisiblePairs([0, Length], Attention);

        public override string ToString() => $"{Name}, {Batch} x {Length}, {Heads}/{KeyHeads} heads of {HeadSize}";
    }

    public IEnumerable<BatchShape> Shapes =>
    [
        new("Llama-15M", 8, 256, 6, 6, 48, AttentionMask.Causal),
        new("Llama-110M", 4, 512, 12, 12, 64, AttentionMask.Causal),
        new("Gemma3-270M and 1B global", 1, 2048, 4, 1, 256, AttentionMask.Causal),
        new("Gemma3-270M and 1B local", 1, 2048, 4, 1, 256, AttentionMask.Window, 512),
        new("Gemma3-4B global", 1, 2048, 8, 4, 256, AttentionMask.Causal),
        new("Gemma3-4B local", 1, 2048, 8, 4, 256, AttentionMask.Window, 1024),
        new("XLM-R-base", 32, 64, 12, 12, 64, AttentionMask.Bidirectional),
    ];

    /// <summary>Visible pairs alone count: two products forward, five backward, whose scores are computed
    /// again.</summary>
    public override Work WorkOf(string method) => Work.Flops(
        (method == nameof(Forward) ? 4 : 10) * Shape.Batch * Shape.VisiblePairs * Shape.Heads * Shape.HeadSize);

    [Benchmark]
    public void Forward() => Backend.Attention(_q, _k, _v, _segments, Shape.Attention, _o, _lse);

    [Benchmark]
    public void Backward() => Backend.AttentionBackward(
        _q, _k, _v, _segments, Shape.Attention, _o, _lse, _dO, _dq, _dk, _dv);

    protected override void Prepare()
    {
        long width = (long)Shape.Heads * Shape.HeadSize, keyWidth = (long)Shape.KeyHeads * Shape.HeadSize;
        _q = Drawn(Shape.Rows, width);
        _k = Drawn(Shape.Rows, keyWidth);
        _v = Drawn(Shape.Rows, keyWidth);
        _o = Drawn(Shape.Rows, width);
        _dO = Drawn(Shape.Rows, width);
        _dq = Drawn(Shape.Rows, width);
        _dk = Drawn(Shape.Rows, keyWidth);
        _dv = Drawn(Shape.Rows, keyWidth);
        _lse = Statistic(Shape.Rows, Shape.Heads);
        int[] bounds = [.. Enumerable.Range(0, 2 * Shape.Batch).Select(i => (i + 1) / 2 * Shape.Length)];
        _segments = new Segments(Put(bounds, Shape.Batch, 2), Shape.Length);
        Forward(); // backward reads the sums of a true forward pass
    }
}
