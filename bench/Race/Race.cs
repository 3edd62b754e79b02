using System.ComponentModel;
using System.Globalization;
using static System.FormattableString;

namespace FastCpt.Bench.Racing;

/// <summary>Times cases beside a peer: processes of both in turn, several rounds, a row of a table a case.</summary>
/// <remarks>
/// A round is a process of ours, the peer tuned (TUNED=1 in its environment) and the peer as users get it. The first
/// round tries every mode of the peer; the fastest, tuned and as it comes each, runs the others. Ratios are medians
/// over rounds of the peer's time by ours of the same round. Without a peer there is no ratio.
/// </remarks>
internal static class Race
{
    private const string PeerVariable = "FASTCPT_BENCH_PEER";

    /// <param name="arguments">Names of cases or groups; --peer COMMAND, which FASTCPT_BENCH_PEER gives else;
    /// --mode PART of the names of the peer's modes to try; --rounds N; --steps N; --dir FOLDER for the files of
    /// merges, which stay there; --into FILE, whose table gets the rows.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        var cases = new List<RaceCase>();
        string? peer = Environment.GetEnvironmentVariable(PeerVariable), into = null;
        string? folder = null;
        string mode = "";
        int rounds = 3, steps = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            RaceCase[] named = [.. RaceCase.All.Where(one => one.Name == argument || one.Group == argument)];
            if (named.Length > 0)
            {
                cases.AddRange(named);
                continue;
            }

            switch (argument, value)
            {
                case ("--peer", not null):
                    peer = value;
                    break;
                case ("--into", not null):
                    into = value;
                    break;
                case ("--mode", not null):
                    mode = value;
                    break;
                case ("--dir", not null):
                    folder = value;
                    break;
                case ("--rounds", not null) when int.TryParse(value, CultureInfo.InvariantCulture, out rounds):
                case ("--steps", not null) when int.TryParse(value, CultureInfo.InvariantCulture, out steps):
                    break;
                default:
                    return Usage(argument);
            }

            i++;
        }

        cases = [.. cases.Select(one => one with { Modes = [.. one.Modes.Where(way => way.Name.Contains(mode))] })];
        if (cases.Count == 0 || cases.Any(one => one.Modes.Length == 0) || rounds < 1 || steps < 0)
            return Usage(string.Join(' ', arguments));
        RaceProgram? other = string.IsNullOrWhiteSpace(peer) ? null : new RaceProgram(Words(peer));
        return Run(cases, other, rounds, steps, folder, into);
    }

    private static int Run(
        IReadOnlyList<RaceCase> cases, RaceProgram? peer, int rounds, int steps, string? given, string? into)
    {
        if (peer is null)
            Console.Error.WriteLine($"No peer is given (--peer or {PeerVariable}): ours alone, and no ratio.");
        string folder = given ?? Directory.CreateTempSubdirectory("fastcpt-race-").FullName;
        try
        {
            Directory.CreateDirectory(folder);
            RaceTable.PrintHeader(Console.Out);
            foreach (RaceCase one in cases)
            {
                RaceRow row = Take(one, peer, rounds, steps > 0 ? steps : one.Steps, folder);
                RaceTable.Print(row, Console.Out);
                if (into is not null)
                    RaceTable.Update(row, into);
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or IOException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
        finally
        {
            if (given is null)
                Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static RaceRow Take(RaceCase one, RaceProgram? peer, int rounds, int steps, string folder)
    {
        var row = new RaceRow(one.Title);
        PeerMode[] tuned = one.Modes, plain = one.Modes;
        for (int round = 1; round <= rounds; round++)
        {
            row.Ours.Add(RaceProgram.Ours.Time([.. Filled(one.Ours), Invariant($"steps={steps}")]));
            Say($"{one.Name}, round {round}: ours {row.Ours[^1].Seconds:F3} s");
            if (peer is null)
                continue;
            tuned = [Fastest(tuned, isTuned: true, row.Tuned)];
            plain = [Fastest(plain, isTuned: false, row.Plain)];
            (row.TunedMode, row.PlainMode) = (tuned[0].Name, plain[0].Name);
        }

        return row;

        PeerMode Fastest(PeerMode[] modes, bool isTuned, List<RaceTime> times)
        {
            // There is a peer where this is called.
            (PeerMode Mode, RaceTime Time)[] tried = [.. modes.Select(mode => (mode, peer!.PeerTime(
                [.. Filled(mode.Arguments), "--steps", Invariant($"{steps}")], one.What, isTuned)))];
            foreach (var (mode, time) in tried)
                Say($"  peer{(isTuned ? ", tuned" : "")}: {time.Seconds:F3} s  {mode.Name} {time.Way}");
            var fastest = tried.MinBy(one => one.Time.Seconds);
            times.Add(fastest.Time);
            return fastest.Mode;
        }

        // Words first: a folder's name may have blanks.
        IEnumerable<string> Filled(string text) =>
            Words(text).Select(word => word.Replace("{dir}", folder, StringComparison.Ordinal));
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void Say(FormattableString line) =>
        Console.Error.WriteLine(Invariant(line));

    private static int Usage(string argument)
    {
        Console.Error.WriteLine(
            $"'{argument}' is not understood. Usage: race CASE... [--peer COMMAND] [--mode PART] [--rounds N] "
            + "[--steps N] [--dir FOLDER] [--into FILE]");
        foreach (var group in RaceCase.All.GroupBy(one => one.Group))
            Console.Error.WriteLine($"  {group.Key}: {string.Join(' ', group.Select(one => one.Name))}");
        return 2;
    }
}
