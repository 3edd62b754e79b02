using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>Holds that results of the cpu backend have the same bits however many workers share the work.</summary>
public sealed class ThreadBitsTests
{
    public static IEnumerable<object[]> OpsAndTypes =>
        from op in OpCases.WideAndPairs
        from types in new[] { Types.Single, Types.Brain }
        select new object[] { op.Name, types };

    [TestCaseSource(nameof(OpsAndTypes))]
    public void Op_HasTheSameBitsAtAnyNumberOfWorkers(string name, Types types)
    {
        byte[][] expected = Run(name, types, threads: 1, out int alone);
        Assert.That(alone, Is.LessThanOrEqualTo(1));
        foreach (int threads in (int[])[2, 3, 8])
        {
            Assert.That(Run(name, types, threads, out int used), Is.EqualTo(expected), $"{threads} threads");
            Assert.That(used, Is.GreaterThan(1), "the case is too small to be shared");
        }
    }

    private static byte[][] Run(string name, Types types, int threads, out int workersUsed)
    {
        using CpuBackend backend = new(threads);
        using Device device = new(backend);
        OpCase op = OpCases.WideAndPairs.Single(op => op.Name == name).Build(new Scene(device, types));
        backend.WorkersUsed = 0;
        op.Run();
        workersUsed = backend.WorkersUsed;
        return [.. op.Outputs.Select(output => device.Bytes(output.Tensor))];
    }
}
