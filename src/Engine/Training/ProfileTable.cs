using System.Globalization;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Engine.Training;

/// <summary>Where the time of some steps went: by op and by part of the model, beside what the device allows.</summary>
/// <remarks>"of limit" is the time that arithmetic or memory, whichever is slower, would need at the measured limits,
/// by the time taken: 100 % cannot be beaten. What fits in a cache may pass memory's limit.</remarks>
public static class ProfileTable
{
    /// <param name="steps">Whole steps that the calls belong to.</param>
    /// <param name="seconds">That those steps took, from their first batch to their last update.</param>
    public static IReadOnlyList<string> Of(
        IReadOnlyList<OpCall> calls, int steps, double seconds, in DeviceLimits limits)
    {
        double inOps = calls.Sum(call => call.Seconds);
        List<string> lines =
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"profile of {steps} steps: {1e3 * seconds / steps:F1} ms a step, {100 * inOps / seconds:F1}% in ops; "
                + $"limits {limits.F32Flops / 1e9:F0} GFLOP/s in F32, {limits.Bf16Flops / 1e9:F0} in BF16, "
                + $"copy {limits.CopyBytes / 1e9:F1} GB/s"),
        ];
        lines.AddRange(Rows("op", calls.GroupBy(call => call.Op), steps, inOps, limits)
            .OrderByDescending(row => row.Seconds).Select(row => row.Line).Prepend(Header("op")));
        lines.AddRange(Rows("part", calls.GroupBy(call => call.Part), steps, inOps, limits)
            .Select(row => row.Line).Prepend(Header("part")));
        return lines;
    }

    private static IEnumerable<(double Seconds, string Line)> Rows(
        string kind, IEnumerable<IGrouping<string, OpCall>> groups, int steps, double inOps, DeviceLimits limits)
    {
        foreach (IGrouping<string, OpCall> group in groups)
        {
            double seconds = group.Sum(call => call.Seconds), least = group.Sum(call => call.Cost.SecondsAt(limits));
            double flops = group.Sum(call => call.Cost.Flops), bytes = group.Sum(call => call.Cost.Bytes);
            string name = group.Key.Length > 0 ? group.Key : $"other {kind}s";
            yield return (seconds, string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-22} {group.Count() / (double)steps,7:F0} {1e3 * seconds / steps,9:F2} "
                + $"{100 * seconds / inOps,6:F1}% {flops / seconds / 1e9,8:F1} {bytes / seconds / 1e9,7:F1} "
                + $"{100 * least / seconds,8:F1}%"));
        }
    }

    private static string Header(string kind) =>
        $"{kind,-22} {"calls",7} {"ms/step",9} {"share",7} {"GFLOP/s",8} {"GB/s",7} {"of limit",9}";
}
