using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace FastCpt.Bench.Kernels;

/// <summary>Runs op benches; what is not ours among the arguments is BenchmarkDotNet's.</summary>
/// <remarks>Benches run in this process: the ops are static code, and no project is generated or restored.</remarks>
internal static class BenchArguments
{
    private const string ReferenceVariable = "FASTCPT_BENCH_REFERENCE";

    /// <summary>Whether the reference backend is measured too.</summary>
    public static bool WithReference => Environment.GetEnvironmentVariable(ReferenceVariable) is not null;

    /// <param name="arguments">--list: names of the benches. --reference: measures the reference backend as well.
    /// --dry: runs each bench once. --filter '*RmsNorm*' and others: see --help.</param>
    public static int Run(string[] arguments)
    {
        if (arguments.Contains("--reference"))
            Environment.SetEnvironmentVariable(ReferenceVariable, "1");
        bool dry = arguments.Contains("--dry");
        List<string> rest = [.. arguments.Where(argument => argument is not ("--reference" or "--dry"))];
        if (rest is [.., "--list"])
            rest.Add("flat");
        var benches = BenchmarkSwitcher.FromAssembly(typeof(BenchArguments).Assembly);
        var summaries = benches.Run([.. rest], Configuration(dry));
        return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(report => !report.Success)) ? 1 : 0;
    }

    private static IConfig Configuration(bool dry)
    {
        Job measured = Job.Default.WithWarmupCount(2).WithIterationCount(8)
            .WithIterationTime(TimeInterval.FromMilliseconds(100));
        return ManualConfig.CreateEmpty()
            .AddJob((dry ? Job.Dry : measured).WithToolchain(InProcessEmitToolchain.Instance))
            .AddLogger(ConsoleLogger.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddColumn(WorkColumn.Rate, WorkColumn.OfLimit, StatisticColumn.Median)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddExporter(MarkdownExporter.GitHub)
            .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(60))
            .WithArtifactsPath(Path.Combine("artifacts", "bench"))
            .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile);
    }
}
