using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using FastCpt.Engine.Benchmarks;

namespace FastCpt.Tests.Engine.Benchmarks;

/// <summary>A bench program of one case, whose times are drawn from a seed.</summary>
/// <param name="time">Seconds of a call, from random numbers and the number of the sample.</param>
internal sealed class FakeBench(int seed, Func<Random, int, double> time)
{
    public const string Case = "Linear.Forward tiny F32";

    private readonly Random _random = new(seed);
    private readonly ConcurrentQueue<string> _answers = new();
    private int _samples;
    private double _factor = 1;

    public string InstructionSet { get; init; } = "managed";

    public long AllocatedBytes { get; init; }

    /// <summary>That it says it was built at; null where it does not say.</summary>
    public string? Commit { get; init; }

    /// <summary>Calls of the case that were timed.</summary>
    public int Samples => _samples;

    /// <summary>Factor of all times of a process, from random numbers.</summary>
    public Func<Random, double> OfAProcess { get; init; } = _ => 1;

    /// <summary>Processes that were started.</summary>
    public int Starts { get; private set; }

    public BenchPeer Peer => new($"fake {seed}", () =>
    {
        Starts++;
        _factor = OfAProcess(_random);
        return (new Requests(this), new Answers(this));
    });

    /// <summary>Noise like that of a shared machine: most calls near the best, some much later.</summary>
    public static double Noisy(Random random, double seconds)
    {
        double late = random.NextDouble() < 0.1 ? random.NextDouble() : 0;
        return seconds * (1 + 0.02 * random.NextDouble() + 0.5 * late);
    }

    private string Built => Commit is null ? "" : $"\"commit\":\"{Commit}\",";

    private void Answer(string request)
    {
        string[] words = request.Split(' ');
        _answers.Enqueue(words[0] switch
        {
            "list" => $$"""
                {"processor":"fake","isa":"{{InstructionSet}}","threads":1,{{Built}}
                "cases":[{"name":"{{Case}}","step":false}]}
                """,
            "open" => $$"""{"allocated":{{AllocatedBytes}},"flops":10,"bytes":20}""",
            "time" => Time(int.Parse(words[1], CultureInfo.InvariantCulture)),
            _ => "{}",
        });
    }

    private string Time(int calls) => string.Create(
        CultureInfo.InvariantCulture, $$"""{"seconds":{{calls * _factor * time(_random, _samples++):R}}}""");

    private sealed class Requests(FakeBench bench) : StringWriter
    {
        public override void WriteLine(string? value) => bench.Answer(value ?? "");

        public override Encoding Encoding => Encoding.UTF8;
    }

    private sealed class Answers(FakeBench bench) : TextReader
    {
        public override string? ReadLine() => bench._answers.TryDequeue(out string? line) ? line : null;
    }
}
