namespace FastCpt.Engine.Benchmarks;

/// <summary>Something that a bench program can time.</summary>
/// <param name="IsStep">Whether it is a whole training step, not an op: steps vary more.</param>
public sealed record BenchCase(string Name, bool IsStep);

/// <summary>What a call of a case does, exactly repeatable whatever else the machine is busy with.</summary>
/// <param name="AllocatedBytes">Managed memory of a call in the steady state.</param>
/// <param name="Flops">Operations of its products.</param>
/// <param name="Bytes">Least bytes moved.</param>
public sealed record BenchCounters(long AllocatedBytes, double Flops, double Bytes);

/// <summary>What two programs must share to be compared at all.</summary>
public sealed record BenchMachine(string Processor, string InstructionSet, int Threads);
