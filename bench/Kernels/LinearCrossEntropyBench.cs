using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class LinearCrossEntropyBench : OpBench<LinearCrossEntropyBench.HeadShape>
{
    private Tensor _x, _w, _targets, _losses, _dx, _dw;

    /// <summary>Tokens, width and vocabulary.</summary>
    public readonly record struct HeadShape(string Name, int Rows, int Cols, int Vocabulary)
    {
        public override string ToString() => $"{Name}, {Rows} x {Cols} x {Vocabulary}";
    }

    public IEnumerable<HeadShape> Shapes =>
    [
        new("Llama-15M", 2048, 288, 32_000), new("Llama-110M", 2048, 768, 32_000),
        new("Gemma3-270M", 256, 640, 262_144), new("Gemma3-1B", 256, 1152, 262_144),
        new("Gemma3-4B", 128, 2560, 262_144),
    ];

    /// <summary>One product for losses, three for losses and both gradients; products done again do not
    /// count.</summary>
    public override Work WorkOf(string method) => Work.Flops(
        (method == nameof(Losses) ? 2.0 : 6.0) * Shape.Rows * Shape.Cols * Shape.Vocabulary);

    [Benchmark]
    public void Losses() => Backend.LinearCrossEntropy(_x, new(_w), _targets, 1e-3f, _losses, default, default);

    [Benchmark]
    public void Gradients() => Backend.LinearCrossEntropy(_x, new(_w), _targets, 1e-3f, _losses, _dx, new(_dw));

    protected override void Prepare()
    {
        _x = Drawn(Shape.Rows, Shape.Cols);
        _w = Ones(Type, Shape.Vocabulary, Shape.Cols); // up to a billion numbers, whose values cost no time
        _targets = Integers(Shape.Rows, Shape.Vocabulary);
        _losses = Statistic(Shape.Rows);
        _dx = Drawn(Shape.Rows, Shape.Cols);
        _dw = Ones(DType.F32, Shape.Vocabulary, Shape.Cols);
    }
}
