using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class WeightedSumBench : OpBench<ParameterShape>
{
    private static readonly double[] Fifths = [0.2, 0.2, 0.2, 0.2, 0.2], Halves = [0.5, 0.5];
    private Tensor[] _xs = [];
    private Tensor _y;

    public IEnumerable<ParameterShape> Shapes => ParameterShape.Parameters;

    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(SoupOfFive) ? 6.0 : 3.0) * Shape.Length * Type.Size());

    [Benchmark]
    public void SoupOfFive() => Backend.WeightedSum(_xs, Fifths, _y);

    [Benchmark]
    public void Interpolation() => Backend.WeightedSum(_xs.AsSpan(0, 2), Halves, _y);

    protected override void Prepare()
    {
        _xs = [.. Enumerable.Range(0, 5).Select(_ => Drawn(Shape.Length))];
        _y = Drawn(Shape.Length);
    }
}
