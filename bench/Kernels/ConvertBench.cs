using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>Between F32 and the bench's type; at F32 a copy.</summary>
public class ConvertBench : OpBench<ParameterShape>
{
    private Tensor _x, _y;

    public IEnumerable<ParameterShape> Shapes => ParameterShape.Parameters;

    public override Work WorkOf(string method) => Work.Bytes((double)Shape.Length * (4 + Type.Size()));

    [Benchmark]
    public void Forward() => Backend.Convert(_x, _y);

    protected override void Prepare()
    {
        _x = Statistic(Shape.Length);
        _y = Drawn(Shape.Length);
    }
}
