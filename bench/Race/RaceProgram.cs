using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace FastCpt.Bench.Racing;

/// <summary>What one process said of its case.</summary>
/// <param name="Seconds">Median of its runs.</param>
/// <param name="Version">Of a peer, else the instruction set.</param>
/// <param name="Way">How a peer that measures several ways did it, else empty.</param>
/// <param name="OfLimit">Ours alone: share of what the machine allows.</param>
internal sealed record RaceTime(
    double Seconds, double PeakMiB, string Version, string Way = "", double OfLimit = 0, string Limit = "");

/// <summary>A program that times one case in a process of its own and prints JSON lines.</summary>
/// <param name="command">Program and its first arguments.</param>
internal sealed class RaceProgram(IReadOnlyList<string> command)
{
    private const string Tuned = "TUNED";

    /// <summary>This program, started again.</summary>
    public static RaceProgram Ours { get; } = new(
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "FastCpt.Bench.dll")]
            : [Environment.ProcessPath!]); // null only where the system cannot tell, which no supported one does

    /// <summary>Our time of a case.</summary>
    public RaceTime Time(IReadOnlyList<string> arguments) =>
        Read(Run(arguments, tuned: false)[^1], line => new RaceTime(
            line.GetProperty("median_s").GetDouble(), line.GetProperty("peak_mib").GetDouble(),
            line.GetProperty("isa").GetString()!, "", line.GetProperty("of_limit").GetDouble(),
            line.GetProperty("limit").GetString()!)); // strings in every line that a CaseReport prints

    /// <summary>A peer's time: of several lines the fastest.</summary>
    /// <param name="what">How the key "what" begins in the lines that count; empty for all.</param>
    /// <param name="tuned">Whether the environment asks for the tuned run.</param>
    public RaceTime PeerTime(IReadOnlyList<string> arguments, string what, bool tuned) => Run(arguments, tuned)
        .Select(text => Read(text, line => new RaceTime(
            line.GetProperty("step_s").GetDouble(), line.GetProperty("peak_rss_mib").GetDouble(),
            $"PyTorch {line.GetProperty("torch").GetString()}",
            line.TryGetProperty("what", out JsonElement way) ? way.GetString() ?? "" : "")))
        .Where(time => time.Way.StartsWith(what, StringComparison.Ordinal))
        .MinBy(time => time.Seconds) ?? throw Failure($"it printed no line of '{what}'");

    private List<string> Run(IReadOnlyList<string> arguments, bool tuned)
    {
        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), .. arguments])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment.Remove(Tuned);
        if (tuned)
            start.Environment[Tuned] = "1";
        using Process process = Process.Start(start) ?? throw Failure("it did not start");
        string text = process.StandardOutput.ReadToEnd(), asked = string.Join(' ', arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw Failure(string.Create(
                CultureInfo.InvariantCulture, $"'{asked}' ended with exit code {process.ExitCode}"));
        List<string> lines = [.. text.Split('\n').Where(line => line.StartsWith('{'))];
        return lines.Count > 0 ? lines : throw Failure($"'{asked}' printed no JSON object");
    }

    private RaceTime Read(string line, Func<JsonElement, RaceTime> read)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return read(json.RootElement);
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw Failure($"'{line}' is no time: {exception.Message}");
        }
    }

    private InvalidOperationException Failure(string what) => new($"{string.Join(' ', command)}: {what}.");
}
