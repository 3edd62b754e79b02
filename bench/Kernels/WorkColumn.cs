using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>What an op's mean time makes of the work that it has to do.</summary>
/// <param name="value">Of a bench, its work and the mean time in seconds.</param>
internal sealed class WorkColumn(string name, string legend, Func<OpBench, Work, double, string> value) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Metric;

    public int PriorityInCategory => -1;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    /// <summary>GFLOP/s or GB/s.</summary>
    public static WorkColumn Rate { get; } = new(
        "Rate", "Arithmetic operations, or least bytes moved, by the mean time",
        (_, work, seconds) => work.RateIn(seconds));

    /// <summary>By the peak of multiply-adds, or the bandwidth of a copy, measured right after.</summary>
    public static WorkColumn OfLimit { get; } = new(
        "Of limit", "Rate by the limit of the same minute: peak of multiply-adds, or of a copy",
        (bench, work, seconds) => OpBench.Limits.TryGetValue(bench.Case(), out DeviceLimits limits)
            ? work.ShareIn(seconds, bench.Type, limits).ToString("P0", CultureInfo.InvariantCulture)
            : "-");

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics)
            return "-";
        // The parameters of the case, set on an instance that is asked for its work.
        if (Activator.CreateInstance(benchmarkCase.Descriptor.Type) is not OpBench bench)
            return "-";
        foreach (var parameter in benchmarkCase.Parameters.Items)
            benchmarkCase.Descriptor.Type.GetProperty(parameter.Name)?.SetValue(bench, parameter.Value);
        return value(bench, bench.WorkOf(benchmarkCase.Descriptor.WorkloadMethod.Name), statistics.Mean / 1e9);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
