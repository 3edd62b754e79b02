using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class RmsNormBench : OpBench<RowShape>
{
    private Tensor _x, _w, _y, _rstd, _dx, _dw;

    public IEnumerable<RowShape> Shapes => RowShape.Widths;

    /// <summary>Forward reads one and writes one; backward reads three and writes one. The rest is small.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Forward) ? 2 : 4) * Shape.Elements * Type.Size());

    [Benchmark]
    public void Forward() => Backend.RmsNorm(_x, _w, 1, 1e-6f, _y, _rstd);

    [Benchmark]
    public void Backward() => Backend.RmsNormBackward(_x, _w, 1, _rstd, _y, _dx, _dw);

    protected override void Prepare()
    {
        _x = Drawn(Shape.Rows, Shape.Cols);
        _w = Drawn(Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _rstd = Ones(DType.F32, Shape.Rows);
        _dx = Drawn(Shape.Rows, Shape.Cols);
        _dw = Statistic(Shape.Cols);
    }
}
