using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>A gated activation at the inner width of feed-forward layers.</summary>
public abstract class GateBench : OpBench<RowShape>
{
    public IEnumerable<RowShape> Shapes => RowShape.Inner;

    protected Tensor Gate { get; private set; }

    protected Tensor Up { get; private set; }

    /// <summary>Result, and its gradient.</summary>
    protected Tensor Y { get; private set; }

    protected Tensor DGate { get; private set; }

    protected Tensor DUp { get; private set; }

    /// <summary>Forward reads two and writes one; backward reads five and writes two.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Forward) ? 3 : 7) * Shape.Elements * Type.Size());

    [Benchmark]
    public abstract void Forward();

    [Benchmark]
    public abstract void Backward();

    protected override void Prepare()
    {
        Gate = Drawn(Shape.Rows, Shape.Cols);
        Up = Drawn(Shape.Rows, Shape.Cols);
        Y = Drawn(Shape.Rows, Shape.Cols);
        DGate = Drawn(Shape.Rows, Shape.Cols);
        DUp = Drawn(Shape.Rows, Shape.Cols);
    }
}
