using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Kernels;

/// <summary>Holds that no kernel of the cpu backend reads or writes a byte outside its operands.</summary>
/// <remarks>The operands lie against pages that may not be touched, in a child process that would die of it.</remarks>
public sealed class GuardPageTests
{
    private const string Done = "all ops ran";

    [Test]
    [Category("slow")]
    public void Ops_StayWithinTheirOperands([Values] bool behind)
    {
        IgnoreWithoutPages();
        (int code, string output) = ChildProcess.RunToEnd("guard-pages", "ops", $"{behind}");
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string? last = lines.LastOrDefault(line => line.StartsWith("op ", StringComparison.Ordinal));
        Assert.That(code, Is.Zero, $"The process died in or after: {last}\n{output}");
        Assert.That(lines.Last(), Is.EqualTo(Done));
    }

    [Test]
    public void OneByteTooFar_EndsTheProcess([Values] bool behind)
    {
        IgnoreWithoutPages();
        (int code, string output) = ChildProcess.RunToEnd("guard-pages", "overrun", $"{behind}");
        Assert.That(code, Is.Not.Zero, output);
        Assert.That(output, Does.Not.Contain(Done));
    }

    /// <summary>The child: runs every op on guarded operands, or reads one byte too far.</summary>
    internal static int Run(string[] arguments)
    {
        bool behind = bool.Parse(arguments[1]);
        using CpuBackend backend = new(threads: 2);
        if (arguments[0] == "overrun")
        {
            using GuardedDevice device = new(backend, behind);
            Console.WriteLine(device.ReadTooFar(device.Put([1.0, 2.0, 3.0], DType.F32, new Shape(3))));
        }
        else
        {
            foreach (Types types in Types.Computed)
                foreach (var (name, build) in OpCases.RaggedAndPairs)
                    RunOp(backend, behind, types, name, build);
        }

        Console.WriteLine(Done);
        return 0;
    }

    private static void RunOp(Backend backend, bool behind, Types types, string name, Func<Scene, OpCase> build)
    {
        Console.WriteLine($"op {name} in {types} at {(behind ? "end" : "start")} of its operands");
        using GuardedDevice device = new(backend, behind);
        build(new Scene(device, types)).Run();
    }

    private static void IgnoreWithoutPages()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("Guard pages need mmap and mprotect.");
    }
}
