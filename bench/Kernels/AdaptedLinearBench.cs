using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>A frozen layer with a low-rank term, and without: what the term costs is the difference.</summary>
public class AdaptedLinearBench : OpBench<AdaptedLinearBench.AdapterShape>
{
    private Tensor _x, _y, _dx;
    private LinearWeight _frozen, _adapted;
    private LinearGradient _gradient;

    /// <summary>Rows M, outputs N, inputs K, rank R.</summary>
    public readonly record struct AdapterShape(string Name, int M, int N, int K, int R)
    {
        /// <summary>Operations of the frozen product.</summary>
        public double Flops => 2.0 * M * N * K;

        /// <summary>Operations of one direction of the low-rank term by those of the frozen product.</summary>
        public double Extra => R * (1.0 / K + 1.0 / N);

        public override string ToString() => $"{Name}, {M} x {N} x {K}, rank {R}";
    }

    public IEnumerable<AdapterShape> Shapes =>
    [
        .. from rank in (int[])[8, 32, 64, 256] select new AdapterShape("Llama-110M q", 2048, 768, 768, rank),
        new("Llama-110M mlp up", 2048, 2048, 768, 32), new("Llama-110M mlp down", 2048, 768, 2048, 32),
        .. from rank in (int[])[8, 32, 64, 256] select new AdapterShape("Gemma3-4B q", 1024, 2048, 2560, rank),
    ];

    /// <summary>Backward is the gradient of the input, and twice the low-rank term for those of A and B.</summary>
    public override Work WorkOf(string method) => Work.Flops(Shape.Flops * (method switch
    {
        nameof(Forward) => 1 + Shape.Extra,
        nameof(Backward) => 1 + 2 * Shape.Extra,
        _ => 1,
    }));

    [Benchmark]
    public void FrozenForward() => Backend.Linear(_x, _frozen, _y);

    [Benchmark]
    public void Forward() => Backend.Linear(_x, _adapted, _y);

    [Benchmark]
    public void FrozenBackward() => Backend.LinearBackward(_x, _frozen, _y, _dx, default);

    [Benchmark]
    public void Backward() => Backend.LinearBackward(_x, _adapted, _y, _dx, _gradient);

    protected override void Prepare()
    {
        _x = Drawn(Shape.M, Shape.K);
        _y = Drawn(Shape.M, Shape.N);
        _dx = Drawn(Shape.M, Shape.K);
        _frozen = new LinearWeight(Drawn(Shape.N, Shape.K));
        var term = new LowRank(Drawn(Shape.R, Shape.K), Drawn(Shape.N, Shape.R), 2, Drawn(Shape.M, Shape.R));
        _adapted = _frozen with { Adapter = term };
        _gradient = new LinearGradient(A: Statistic(Shape.R, Shape.K), B: Statistic(Shape.N, Shape.R));
    }
}
