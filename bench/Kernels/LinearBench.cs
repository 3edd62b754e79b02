using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class LinearBench : OpBench<ProductShape>
{
    private Tensor _x, _y, _dx;
    private LinearWeight _w;
    private LinearGradient _dw;

    public IEnumerable<ProductShape> Shapes => ProductShape.Layers;

    /// <summary>Backward is two products.</summary>
    public override Work WorkOf(string method) => Work.Flops((method == nameof(Forward) ? 1 : 2) * Shape.Flops);

    [Benchmark]
    public void Forward() => Backend.Linear(_x, _w, _y);

    [Benchmark]
    public void Backward() => Backend.LinearBackward(_x, _w, _y, _dx, _dw);

    protected override void Prepare()
    {
        _x = Drawn(Shape.M, Shape.K);
        _y = Drawn(Shape.M, Shape.N);
        _dx = Drawn(Shape.M, Shape.K);
        _w = new LinearWeight(Drawn(Shape.N, Shape.K));
        _dw = new LinearGradient(Statistic(Shape.N, Shape.K));
    }
}
