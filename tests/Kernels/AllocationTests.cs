using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>Holds that ops of the cpu backend allocate nothing on the managed heap once they have run.</summary>
public sealed class AllocationTests
{
    public static IEnumerable<object[]> OpsAndTypes =>
        from op in OpCases.RaggedAndPairs
        from types in new[] { Types.Single, Types.Brain }
        select new object[] { op.Name, types };

    [TestCaseSource(nameof(OpsAndTypes))]
    public void Op_AllocatesNothingWhenRunAgain(string name, Types types)
    {
        // With one worker all of the op runs on this thread, whose allocations are counted.
        using CpuBackend backend = new(threads: 1);
        using Device device = new(backend);
        OpCase op = OpCases.RaggedAndPairs.Single(op => op.Name == name).Build(new Scene(device, types));
        op.Run();
        op.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        op.Run();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }
}
