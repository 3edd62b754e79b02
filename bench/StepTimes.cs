using System.Diagnostics;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Bench;

/// <summary>Times whole training steps in a process of their own, so that peak memory is the step's.</summary>
/// <remarks>
/// Prints one JSON line a case: seconds (median, best), share of the arithmetic peak of the same minute, memory.
/// </remarks>
internal static class StepTimes
{
    private const int WarmupSteps = 2;

    /// <param name="arguments">Size (15m, 110m, xlmr), optionally bf16, recompute, profile, steps=N, threads=N; lora=R
    /// trains adapters of that rank, with on=qv or on=all on these linear layers; unpacked packs frozen weights for
    /// every product; rows=N and length=N give the batch another shape. An encoder, xlmr, trains adapters and a
    /// head, of rank 32 where none is given, on 32 sentences of 64 tokens; with real, as long as real ones.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        string size = "15m";
        DType type = DType.F32;
        bool recompute = false, profile = false, onAll = false, packs = true, real = false;
        int rank = 0, rows = 0, length = 0;
        var options = new BenchOptions(steps: 7);
        foreach (string argument in arguments)
        {
            if (DecoderStep.Sizes.Contains(argument) || argument == EncoderStep.Size)
                size = argument;
            else if (argument == "bf16")
                type = DType.BF16;
            else if (argument == "recompute")
                recompute = true;
            else if (argument == "profile")
                profile = true;
            else if (argument == "unpacked")
                packs = false;
            else if (argument == "real")
                real = true;
            else if (BenchOptions.IsNumber(argument, "rows", out int given))
                rows = given;
            else if (BenchOptions.IsNumber(argument, "length", out given))
                length = given;
            else if (argument is "on=all" or "on=qv")
                onAll = argument == "on=all";
            else if (BenchOptions.IsNumber(argument, "lora", out given))
                rank = given;
            else if (!options.Take(argument))
                return BenchOptions.Refuse(
                    argument,
                    $"steps [{string.Join('|', DecoderStep.Sizes)}|{EncoderStep.Size}] [bf16] [recompute] [profile] "
                    + "[steps=N] [threads=N] [lora=R] [on=qv|all] [unpacked] [rows=N] [length=N] [real]");
        }

        bool encoder = size == EncoderStep.Size;
        if (encoder && rank == 0)
            rank = 32;
        if (rows == 0)
            rows = encoder ? 32 : 4;
        if (encoder && length == 0)
            length = 64;
        Case subject = new(
            size, type, recompute, rank == 0 ? null : Adapters(rank, onAll, encoder),
            length == 0 ? null : (rows, length), packs, real);
        if (profile)
            Profile(subject, options.Steps, options.Threads);
        else
            Measure(subject, options.Steps, options.Threads);
        return 0;
    }

    /// <summary>Twice the rank as alpha, as the peer has it.</summary>
    /// <param name="onAll">On every linear layer of the blocks, not on q and v alone.</param>
    public static LoraSettings Adapters(int rank, bool onAll, bool encoder = false) => new()
    {
        Rank = rank,
        Alpha = 2 * rank,
        Targets = onAll ? [LoraSettings.AllLinear] : encoder ? ["query", "value"] : ["q_proj", "v_proj"],
    };

    private static void Measure(Case subject, int steps, int threads)
    {
        using Backend backend = Backends.Open("cpu", threads);
        using TrainingStep step = subject.Open(backend);
        double first = 0, last = 0, tokens = 0, flops = 0;
        var seconds = new List<double>();
        for (int i = 0; i < WarmupSteps + steps; i++)
        {
            long start = Stopwatch.GetTimestamp();
            last = step.Run();
            if (i == 0)
                first = last;
            if (i < WarmupSteps)
                continue;
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            tokens += step.Tokens;
            flops += step.Flops;
        }

        long memory = CaseReport.MemoryNow(); // before the limit, which takes some
        double median = CaseReport.Median(seconds);
        double limit = flops / steps / backend.MeasurePeakFlops(subject.Type);
        var report = new CaseReport(
            subject.ToString(), seconds, limit / median,
            $"{subject.Type} peak", memory);
        report.Print(backend, json =>
        {
            json.WriteNumber("tokens_per_s", (int)(tokens / steps / median));
            json.WriteStartArray("loss");
            json.WriteNumberValue((float)first);
            json.WriteNumberValue((float)last);
            json.WriteEndArray();
        });
    }

    /// <summary>Where the time of the steps goes, by op and layer.</summary>
    private static void Profile(Case subject, int steps, int threads)
    {
        OpProfile profile = new();
        using Backend backend = new ProfilingBackend(Backends.Open("cpu", threads), profile);
        using TrainingStep step = subject.Open(backend);
        for (int i = 0; i < WarmupSteps; i++)
            step.Run();
        profile.IsRecording = true;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++)
            step.Run();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (string line in ProfileTable.Of(profile.Calls, steps, seconds, backend.MeasureLimits()))
            Console.WriteLine(line);
    }

    /// <param name="Lora">Adapters that train instead of the weights; null for none.</param>
    /// <param name="Batch">Rows and tokens a row; null for the size's own.</param>
    /// <param name="Real">Whether sentences of an encoder have lengths of their own instead.</param>
    private sealed record Case(
        string Size, DType Type, bool Recompute, LoraSettings? Lora, (int Rows, int Length)? Batch, bool Packs,
        bool Real)
    {
        public TrainingStep Open(Backend backend)
        {
            if (Size != EncoderStep.Size || Lora is null || Batch is not { } batch)
                return new DecoderStep(backend, Size, Type, Recompute, Lora, Batch, Packs);
            int[][] lengths = Real
                ? SentenceLengths.Batches(batch.Rows)
                : [[.. Enumerable.Repeat(batch.Length, batch.Rows)]];
            return new EncoderStep(backend, Type, Recompute, Lora, lengths, Packs);
        }

        public override string ToString() =>
            $"{Size} {Type}{(Recompute ? " recompute" : "")}"
            + (Lora is null ? "" : $" lora {Lora.Rank} on {string.Join(' ', Lora.Targets)}")
            + (Batch is { } batch ? $" {batch.Rows} x {(Real ? "real" : batch.Length)}" : "")
            + (Packs ? "" : " unpacked");
    }
}
