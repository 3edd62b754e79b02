using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class GatedMlpBench : OpBench<GatedMlpBench.MlpShape>
{
    private Tensor _x, _y, _gated, _upped, _gatedBefore, _uppedBefore, _dx;
    private LinearWeight _gate, _up, _down;
    private LinearGradient _dGate, _dUp, _dDown;

    /// <summary>Rows, width and inner width of a gated feed-forward layer.</summary>
    public readonly record struct MlpShape(string Name, int M, int C, int F, Gate Kind)
    {
        public override string ToString() => $"{Name}, {M} x {C} x {F}";
    }

    public IEnumerable<MlpShape> Shapes =>
    [
        new("Llama-15M", 2048, 288, 768, Gate.SwiGlu), new("Llama-110M", 2048, 768, 2048, Gate.SwiGlu),
        new("Gemma3-270M", 1024, 640, 2048, Gate.GeGlu), new("Gemma3-1B", 1024, 1152, 6912, Gate.GeGlu),
        new("Gemma3-4B", 1024, 2560, 10_240, Gate.GeGlu),
    ];

    /// <summary>Three products forward, six backward.</summary>
    public override Work WorkOf(string method) =>
        Work.Flops((method == nameof(Forward) ? 6.0 : 12.0) * Shape.M * Shape.C * Shape.F);

    [Benchmark]
    public void Forward() => Backend.GatedMlp(_x, _gate, _up, _down, Shape.Kind, default, _gated, _upped, _y);

    [Benchmark]
    public void Backward() => Backend.GatedMlpBackward(
        _x, _gate, _up, _down, Shape.Kind, _gated, _upped, _y, _dx, _dGate, _dUp, _dDown);

    /// <summary>Backward overwrites what it reads of forward, so it is put back.</summary>
    [IterationSetup(Target = nameof(Backward))]
    public void Restore()
    {
        Backend.Convert(_gatedBefore, _gated);
        Backend.Convert(_uppedBefore, _upped);
    }

    protected override void Prepare()
    {
        _x = Drawn(Shape.M, Shape.C);
        _y = Drawn(Shape.M, Shape.C);
        _dx = Drawn(Shape.M, Shape.C);
        _gated = Drawn(Shape.M, Shape.F);
        _upped = Drawn(Shape.M, Shape.F);
        _gatedBefore = Drawn(Shape.M, Shape.F);
        _uppedBefore = Drawn(Shape.M, Shape.F);
        _gate = new LinearWeight(Drawn(Shape.F, Shape.C));
        _up = new LinearWeight(Drawn(Shape.F, Shape.C));
        _down = new LinearWeight(Drawn(Shape.C, Shape.F));
        _dGate = new LinearGradient(Statistic(Shape.F, Shape.C));
        _dUp = new LinearGradient(Statistic(Shape.F, Shape.C));
        _dDown = new LinearGradient(Statistic(Shape.C, Shape.F));
    }
}
