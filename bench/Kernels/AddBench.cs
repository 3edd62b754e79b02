using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class AddBench : OpBench<RowShape>
{
    private Tensor _x, _y, _z;

    public IEnumerable<RowShape> Shapes => RowShape.Widths;

    public override Work WorkOf(string method) => Work.Bytes(3 * Shape.Elements * Type.Size());

    [Benchmark]
    public void Forward() => Backend.Add(_x, _y, _z);

    protected override void Prepare()
    {
        _x = Drawn(Shape.Rows, Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _z = Drawn(Shape.Rows, Shape.Cols);
    }
}
