using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class FillBench : OpBench<ParameterShape>
{
    private Tensor _y;

    public IEnumerable<ParameterShape> Shapes => ParameterShape.Parameters;

    public override Work WorkOf(string method) => Work.Bytes((double)Shape.Length * Type.Size());

    [Benchmark]
    public void Forward() => Backend.Fill(0, _y);

    protected override void Prepare() => _y = Drawn(Shape.Length);
}
