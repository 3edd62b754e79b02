using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>Updates of a float32 parameter; the anchor has the bench's type.</summary>
public class AdamWBench : OpBench<ParameterShape>
{
    private static readonly AdamWStep Step = new(1e-6f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 10);
    private Tensor _g, _theta, _m, _v, _copy;
    private Pull _pull;

    public IEnumerable<ParameterShape> Shapes => ParameterShape.Parameters;

    /// <summary>Reads gradient, parameter and moments, writes the last three; with pull also the anchor and a
    /// copy.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((double)Shape.Length * (method == nameof(Plain) ? 28 : 30 + Type.Size()));

    [Benchmark]
    public void Plain() => Backend.AdamW(_g, default, Step, _theta, _m, _v, default);

    [Benchmark]
    public void PulledWithCopy() => Backend.AdamW(_g, _pull, Step, _theta, _m, _v, _copy);

    protected override void Prepare()
    {
        _g = Statistic(Shape.Length);
        _theta = Statistic(Shape.Length);
        _m = Statistic(Shape.Length);
        _v = Ones(DType.F32, Shape.Length);
        _copy = Ones(DType.BF16, Shape.Length);
        _pull = new Pull(Drawn(Shape.Length), 0.1f);
    }
}
