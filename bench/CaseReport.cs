using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>What a program that times one case prints: a JSON object on a line, for <see cref="Racing.Race"/>.
/// </summary>
/// <param name="Seconds">Of each run.</param>
/// <param name="OfLimit">Median share of what the device allows, measured in the same minute.</param>
/// <param name="Limit">What the share is of.</param>
/// <param name="PeakMiB">Most memory of the process, before the limit was measured.</param>
internal sealed record CaseReport(
    string Case, IReadOnlyList<double> Seconds, double OfLimit, string Limit, long PeakMiB)
{
    /// <summary>Most memory that this process has held so far, in MiB.</summary>
    public static long MemoryNow()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 >> 20;
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Seconds of a call.</summary>
    public static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <param name="more">Further keys.</param>
    public void Print(Backend backend, Action<Utf8JsonWriter>? more = null)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("case", Case);
            json.WriteString("isa", backend.InstructionSet);
            json.WriteNumber("threads", backend.Threads);
            json.WriteNumber("median_s", Rounded(Median(Seconds)));
            json.WriteNumber("best_s", Rounded(Seconds.Min()));
            json.WriteNumber("of_limit", Rounded(OfLimit));
            json.WriteString("limit", Limit);
            json.WriteNumber("peak_mib", PeakMiB);
            more?.Invoke(json);
            json.WriteEndObject();
        }

        Console.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static decimal Rounded(double value)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        return decimal.Parse(value.ToString("G5", invariant), NumberStyles.Float, invariant);
    }
}
