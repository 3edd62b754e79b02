namespace FastCpt.Engine.Benchmarks;

/// <summary>A comparison of two programs, with all that its times hold for.</summary>
/// <param name="BaseCommit">That the program was built at; "unknown" where it does not say.</param>
/// <param name="HeadCommit">Likewise.</param>
public sealed record BenchReport(
    BenchMachine Machine, string BaseCommit, string HeadCommit, IReadOnlyList<BenchResult> Results);
