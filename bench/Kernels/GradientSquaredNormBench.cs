using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>The norm of a float32 gradient; the anchor has the bench's type.</summary>
public class GradientSquaredNormBench : OpBench<ParameterShape>
{
    private Tensor _g, _theta, _result;
    private Pull _pull;

    public IEnumerable<ParameterShape> Shapes => ParameterShape.Parameters;

    public override Work WorkOf(string method) =>
        Work.Bytes((double)Shape.Length * (method == nameof(Plain) ? 4 : 8 + Type.Size()));

    [Benchmark]
    public void Plain() => Backend.GradientSquaredNorm(_g, _theta, default, _result);

    [Benchmark]
    public void Pulled() => Backend.GradientSquaredNorm(_g, _theta, _pull, _result);

    protected override void Prepare()
    {
        _g = Statistic(Shape.Length);
        _theta = Statistic(Shape.Length);
        _pull = new Pull(Drawn(Shape.Length), 0.1f);
        _result = Ones(DType.F64, 1);
    }
}
