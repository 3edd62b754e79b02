using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class DotBench : OpBench<ParameterShape>
{
    private Tensor _x, _y, _origin, _result;

    public IEnumerable<ParameterShape> Shapes => ParameterShape.Parameters;

    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Plain) ? 2.0 : 3.0) * Shape.Length * Type.Size());

    [Benchmark]
    public void Plain() => Backend.Dot(_x, _y, default, _result);

    [Benchmark]
    public void FromOrigin() => Backend.Dot(_x, _y, _origin, _result);

    protected override void Prepare()
    {
        _x = Drawn(Shape.Length);
        _y = Drawn(Shape.Length);
        _origin = Drawn(Shape.Length);
        _result = Ones(DType.F64, 1);
    }
}
