using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Kernels.Cpu.Jit;
using FastCpt.Kernels.Platform;

namespace FastCpt.Tests.Kernels.Cpu;

public sealed class SimdLevelTests
{
    [Test]
    public void Nothing_Forced_TakesTheBest() =>
        Assert.That(SimdLevels.Resolve(null), Is.EqualTo(SimdLevels.Best));

    [Test]
    public void EveryLevel_IsFoundOrRefused(
        [Values("managed", "avx2", "avx512", "bf16")] string name)
    {
        SimdLevel level = Enum.GetValues<SimdLevel>().First(level => SimdLevels.NameOf(level) == name);
        if (level <= SimdLevels.Best)
            Assert.That(SimdLevels.Resolve(name), Is.EqualTo(level));
        else
            Assert.That(
                () => SimdLevels.Resolve(name), Throws.TypeOf<DeviceException>().With.Message.Contains(name));
    }

    [Test]
    public void UnknownName_IsRefused() =>
        Assert.That(
            () => SimdLevels.Resolve("sse9"), Throws.TypeOf<DeviceException>().With.Message.Contains("sse9"));

    [Test]
    public void Backend_TellsItsInstructionSet_AndThreads()
    {
        using CpuBackend backend = new(threads: 3, "managed");
        Assert.That(backend.InstructionSet, Is.EqualTo("managed"));
        Assert.That(backend.Threads, Is.EqualTo(3));
    }

    [Test]
    public void GeneratedCode_IsNamedForPerf()
    {
        if (SimdLevels.Best == SimdLevel.Managed)
            Assert.Ignore("no code is generated on this machine");
        string map = $"/tmp/perf-{Environment.ProcessId}.map";
        Environment.SetEnvironmentVariable(PerfMap.Variable, "1");
        try
        {
            PerfMap.Add(0x7f00_1230, 0x45, "fastcpt product avx2 f32 6x16");
            Assert.That(File.ReadAllLines(map), Does.Contain("7f001230 45 fastcpt product avx2 f32 6x16"));
        }
        finally
        {
            Environment.SetEnvironmentVariable(PerfMap.Variable, null);
            File.Delete(map);
        }
    }

    [TestCase(0, "by rows 1x16")]
    [TestCase(19, "by rows 10x32")]
    [TestCase(20, "by columns 1x32")]
    [TestCase(45, "by columns 13x32 masked")]
    public void ThinKernels_AreNamedByTheirTile(int index, string name) =>
        Assert.That(ThinKernels.NameOf(index), Is.EqualTo(name));

    [Test]
    public void NegativeThreads_AreRefused() =>
        Assert.That(() => new CpuBackend(threads: -1), Throws.TypeOf<DeviceException>());
}
