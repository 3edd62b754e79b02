using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Benchmarks;
using FastCpt.Engine.Files;

namespace FastCpt;

/// <summary>`fastcpt bench compare`: whether one build is slower than another on this machine, now.</summary>
internal static class BenchCommand
{
    public static Command Create(CommonOptions options)
    {
        var verb = new Command("bench", "Compares the speed of builds.");
        verb.Add(CreateCompare(options));
        return verb;
    }

    private static Verb CreateCompare(CommonOptions options)
    {
        var origin = new Argument<string>("base") { Description = "Bench program to compare with, or its folder." };
        var head = new Argument<string>("head") { Description = "Bench program in question, or its folder." };
        var cases = new Option<string[]>("--case")
        {
            Description = "Only cases whose names begin so; may be given often.", HelpName = "start",
        };
        var pairs = new Option<int>("--pairs")
        {
            Description = "Pairs of times of a first look, three a process; twice as many, of new processes, confirm.",
            DefaultValueFactory = _ => new BenchSettings().Pairs,
        };
        var accept = new Option<bool>("--accept-counters")
        {
            Description = "Changed counts of allocations, operations or bytes are meant; only times decide.",
        };
        var verb = new Verb("compare", "Times two builds in turn; exit code 7 where head is slower or does more.")
        {
            Examples =
            [
                "fastcpt bench compare ../main/bench/bin/Release/net10.0 bench/bin/Release/net10.0",
                "fastcpt bench compare old new --case Linear --case \"Step 15m\"",
            ],
        };
        verb.Add(origin);
        verb.Add(head);
        verb.Add(cases);
        verb.Add(pairs);
        verb.Add(accept);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            var settings = new BenchSettings(parse.GetValue(pairs), AcceptsCounters: parse.GetValue(accept));
            if (settings.Pairs is < BenchSettings.LeastPairs or > 1000)
                throw new RunException(
                    ExitCode.Usage,
                    $"--pairs is {settings.Pairs}; {BenchSettings.LeastPairs} to 1000 say something.");
            using var stop = new StopSignal();
            using var first = new BenchProcess(parse.GetValue(origin)!); // both arguments are required
            using var second = new BenchProcess(parse.GetValue(head)!);
            var comparison = new BenchComparison(first.Peer, second.Peer, settings, stop);
            BenchReport report = comparison.Run(
                parse.GetValue(cases) ?? [], result => terminal.Note(Line(result)));
            return Show(terminal, report);
        }));
        return verb;
    }

    private static ExitCode Show(Terminal terminal, BenchReport report)
    {
        BenchResult[] failed =
            [.. report.Results.Where(result => result.Verdict is BenchVerdict.Slower or BenchVerdict.CountersChanged)];
        if (terminal.IsJson)
            terminal.Result(ToJson(report));
        else
        {
            BenchMachine on = report.Machine;
            terminal.Result($"{on.Processor}, {on.InstructionSet}, {on.Threads} threads");
            terminal.Result($"commit {report.BaseCommit}, then {report.HeadCommit}");
            foreach (IGrouping<BenchVerdict, BenchResult> group in report.Results.GroupBy(result => result.Verdict))
                terminal.Result($"{group.Count(),4} {Word(group.Key)}");
        }

        foreach (BenchResult result in failed)
            terminal.Error(Line(result));
        return failed.Length == 0 ? ExitCode.Done : ExitCode.CheckFailed;
    }

    /// <summary>A case in a line, with the counts wherever they differ.</summary>
    internal static string Line(BenchResult result)
    {
        string counts = result is { Base: { } before, Head: { } after } && before != after
            ? $": {before}, then {after}"
            : "";
        if (result.Times is not { } times)
            return $"{Word(result.Verdict),-13} {result.Name}{counts}";
        (double low, double high) = times.Interval();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Word(result.Verdict),-13} {result.Name}: {times.Ratio:F3} [{low:F3}, {high:F3}] of {times.Base.Count} "
            + $"pairs, {1e3 * times.BaseMedian:G4} ms, then {1e3 * times.HeadMedian:G4} ms{counts}");
    }

    private static JsonObject ToJson(BenchReport report) => new()
    {
        ["processor"] = report.Machine.Processor,
        ["isa"] = report.Machine.InstructionSet,
        ["threads"] = report.Machine.Threads,
        ["base_commit"] = report.BaseCommit,
        ["head_commit"] = report.HeadCommit,
        ["cases"] = new JsonArray([.. report.Results.Select(ToJson)]),
    };

    private static JsonNode ToJson(BenchResult result)
    {
        var json = new JsonObject { ["name"] = result.Name, ["verdict"] = Word(result.Verdict) };
        if (result.Times is { } times)
        {
            (double low, double high) = times.Interval();
            json["ratio"] = times.Ratio;
            json["interval"] = new JsonArray(low, high);
            json["pairs"] = times.Base.Count;
            json["base_seconds"] = times.BaseMedian;
            json["head_seconds"] = times.HeadMedian;
        }

        json["base"] = ToJson(result.Base);
        json["head"] = ToJson(result.Head);
        return json;
    }

    private static JsonObject? ToJson(BenchCounters? counters) => counters is null ? null : new JsonObject
    {
        ["allocated_bytes"] = counters.AllocatedBytes, ["flops"] = counters.Flops, ["bytes"] = counters.Bytes,
    };

    private static string Word(BenchVerdict verdict) => verdict switch
    {
        BenchVerdict.Same => "same",
        BenchVerdict.Faster => "faster",
        BenchVerdict.Slower => "SLOWER",
        BenchVerdict.CountersChanged => "COUNTS CHANGED",
        BenchVerdict.Inconclusive => "inconclusive",
        _ => "unpaired",
    };
}
