using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class GeluBench : OpBench<RowShape>
{
    private Tensor _x, _y, _dx;

    public IEnumerable<RowShape> Shapes => [new("XLM-R-base mlp", 2048, 3072)];

    /// <summary>Forward reads one and writes one; backward reads three and writes one.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Forward) ? 2 : 4) * Shape.Elements * Type.Size());

    [Benchmark]
    public void Forward() => Backend.Gelu(_x, _y);

    [Benchmark]
    public void Backward() => Backend.GeluBackward(_x, _y, _dx);

    protected override void Prepare()
    {
        _x = Drawn(Shape.Rows, Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _dx = Drawn(Shape.Rows, Shape.Cols);
    }
}
