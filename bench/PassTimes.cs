using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times passes that memory bounds, as a share of the bandwidth of a copy in the same minute.</summary>
/// <remarks>Tensors of 24 MiB: several do not fit a cache, yet a pass ends before a shared machine takes the core away
/// for long. Medians of rounds, the best in brackets; bytes count every read and every write once.</remarks>
internal static class PassTimes
{
    private const long Length = 6 << 20;
    private const int Warmup = 2, Runs = 30;

    public static int Run(int threads)
    {
        using Backend backend = Backends.Open("cpu", threads);
        using Arena arena = new(backend);
        Tensor[] t = [.. Enumerable.Range(0, 7).Select(_ => arena.Take(DType.F32, new Shape(Length)))];
        Tensor copy = arena.Take(DType.BF16, new Shape(Length)), sum = arena.Take(DType.F64, new Shape(1));
        foreach (Tensor tensor in t)
            backend.Fill(0.01, tensor);
        backend.Fill(0, sum);
        AdamWStep step = new(1e-6f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 10);
        Pull none = default, pull = new(t[5], 0.1f);
        double[] weights = [0.2, 0.2, 0.2, 0.2, 0.2];
        (string Name, int BytesPerElement, Action Pass)[] passes =
        [
            ("copy", 8, () => backend.Convert(t[0], t[6])),
            ("squared norm of gradient", 4, () => backend.GradientSquaredNorm(t[0], t[1], none, sum)),
            ("the same with pull", 12, () => backend.GradientSquaredNorm(t[0], t[1], pull, sum)),
            ("AdamW", 28, () => backend.AdamW(t[0], none, step, t[1], t[2], t[3], Tensor.None)),
            ("AdamW, pull, BF16 copy", 34, () => backend.AdamW(t[0], pull, step, t[1], t[2], t[3], copy)),
            ("dot", 8, () => backend.Dot(t[0], t[1], Tensor.None, sum)),
            ("soup of 5", 24, () => backend.WeightedSum([t[0], t[1], t[2], t[3], t[4]], weights, t[6])),
            ("SwiGLU", 12, () => backend.SwiGlu(t[0], t[1], t[6])),
            ("SwiGLU backward", 28, () => backend.SwiGluBackward(t[0], t[1], t[5], t[4], t[6])),
        ];
        SharesOfLimit[] shares = [.. passes.Select(pass => new SharesOfLimit((double)pass.BytesPerElement * Length))];
        for (int run = 0; run < Warmup + Runs; run++)
        {
            double limit = backend.MeasureCopyBytes();
            for (int pass = 0; pass < passes.Length; pass++)
            {
                double seconds = CaseReport.Time(passes[pass].Pass);
                if (run >= Warmup)
                    shares[pass].Add(seconds, limit);
            }
        }

        Console.WriteLine($"| pass, {backend.InstructionSet} | ms | of copy |\n|---|---|---|");
        foreach (var (pass, of) in passes.Zip(shares))
            Console.WriteLine($"| {pass.Name} | {of.Time} | {of} |");
        return 0;
    }
}
