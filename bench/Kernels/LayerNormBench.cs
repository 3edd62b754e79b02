using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class LayerNormBench : OpBench<RowShape>
{
    private Tensor _x, _w, _b, _y, _mean, _rstd, _dx, _dw, _db;

    public IEnumerable<RowShape> Shapes => [new("XLM-R-base", 2048, 768)];

    /// <summary>Forward reads one and writes one; backward reads three and writes one. The rest is small.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Forward) ? 2 : 4) * Shape.Elements * Type.Size());

    [Benchmark]
    public void Forward() => Backend.LayerNorm(_x, _w, _b, 1e-5f, _y, _mean, _rstd);

    [Benchmark]
    public void Backward() => Backend.LayerNormBackward(_x, _w, _mean, _rstd, _y, _dx, _dw, _db);

    protected override void Prepare()
    {
        _x = Drawn(Shape.Rows, Shape.Cols);
        _w = Drawn(Shape.Cols);
        _b = Drawn(Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _mean = Statistic(Shape.Rows);
        _rstd = Ones(DType.F32, Shape.Rows);
        _dx = Drawn(Shape.Rows, Shape.Cols);
        _dw = Statistic(Shape.Cols);
        _db = Statistic(Shape.Cols);
    }
}
