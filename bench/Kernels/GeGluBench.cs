using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class GeGluBench : OpBench<RowShape>
{
    private Tensor _gate, _up, _y, _dGate, _dUp;

    public IEnumerable<RowShape> Shapes => RowShape.Inner;

    /// <summary>Forward reads two and writes one; backward reads five and writes two.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Forward) ? 3 : 7) * Shape.Elements * Type.Size());

    [Benchmark]
    public void Forward() => Backend.GeGlu(_gate, _up, _y);

    [Benchmark]
    public void Backward() => Backend.GeGluBackward(_gate, _up, _y, _dGate, _dUp);

    protected override void Prepare()
    {
        _gate = Drawn(Shape.Rows, Shape.Cols);
        _up = Drawn(Shape.Rows, Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _dGate = Drawn(Shape.Rows, Shape.Cols);
        _dUp = Drawn(Shape.Rows, Shape.Cols);
    }
}
