using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>The projections that end in the residual stream; the backward pass is that of Linear.</summary>
public class LinearResidualBench : OpBench<ProductShape>
{
    private Tensor _x, _residual, _y;
    private LinearWeight _w;

    public IEnumerable<ProductShape> Shapes =>
    [
        new("Llama-15M o", 2048, 288, 288), new("Llama-110M mlp down", 2048, 768, 2048),
        new("Gemma3-270M o", 1024, 640, 1024), new("Gemma3-1B o", 1024, 1152, 1024),
        new("Gemma3-4B o", 1024, 2560, 2048),
    ];

    public override Work WorkOf(string method) => Work.Flops(Shape.Flops);

    [Benchmark]
    public void Forward() => Backend.LinearResidual(_x, _w, _residual, _y);

    protected override void Prepare()
    {
        _x = Drawn(Shape.M, Shape.K);
        _residual = Drawn(Shape.M, Shape.N);
        _y = Drawn(Shape.M, Shape.N);
        _w = new LinearWeight(Drawn(Shape.N, Shape.K));
    }
}
