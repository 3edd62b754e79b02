using System.Diagnostics;
using System.Text.Json;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Engine.Training;

/// <summary>Calls of ops as complete events of the Chrome trace format, which Perfetto opens.</summary>
/// <remarks>Times in microseconds from the first call. Steps hold parts, parts hold ops: events of one thread that lie
/// within one another are shown nested.</remarks>
internal static class ChromeTrace
{
    public static byte[] Write(
        IReadOnlyList<OpCall> calls, IReadOnlyList<(long Step, long Start, long End)> steps, DeviceLimits limits)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("displayTimeUnit", "ms");
            json.WriteStartArray("traceEvents");
            long origin = steps[0].Start;
            foreach ((long step, long start, long end) in steps)
                WriteEvent(json, $"step {step}", "step", start - origin, end - start, null, limits);
            for (int first = 0, next; first < calls.Count; first = next)
            {
                for (next = first + 1; next < calls.Count && calls[next].Part == calls[first].Part; next++)
                    if (StepOf(calls[next], steps) != StepOf(calls[first], steps))
                        break;
                long start = calls[first].Start, end = calls[next - 1].Start + calls[next - 1].Ticks;
                WriteEvent(json, calls[first].Part, "part", start - origin, end - start, null, limits);
                for (int index = first; index < next; index++)
                    WriteEvent(
                        json, calls[index].Op, "op", calls[index].Start - origin, calls[index].Ticks,
                        calls[index].Cost, limits);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private static int StepOf(OpCall call, IReadOnlyList<(long Step, long Start, long End)> steps)
    {
        int index = 0;
        while (index < steps.Count && steps[index].End <= call.Start)
            index++;
        return index;
    }

    private static void WriteEvent(
        Utf8JsonWriter json, string name, string category, long start, long ticks, OpCost? cost, DeviceLimits limits)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("cat", category);
        json.WriteString("ph", "X");
        json.WriteNumber("ts", Microseconds(start));
        json.WriteNumber("dur", Microseconds(ticks));
        json.WriteNumber("pid", 1);
        json.WriteNumber("tid", 1);
        if (cost is { } work)
        {
            json.WriteStartObject("args");
            json.WriteNumber("flops", work.Flops);
            json.WriteNumber("bytes", work.Bytes);
            double share = work.SecondsAt(limits) * Stopwatch.Frequency / Math.Max(ticks, 1);
            if (double.IsFinite(share))
                json.WriteNumber("of_limit", Math.Round(share, 4));
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static double Microseconds(long ticks) => Math.Round(1e6 * ticks / Stopwatch.Frequency, 3);
}
