using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Kernels.Profiling;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels.Profiling;

/// <summary>A profiled op does what it does unprofiled, and costs what its formula says.</summary>
public sealed class ProfilingBackendTests
{
    private static readonly Types Types = new(DType.F32, DType.F32);

    public static IEnumerable<string> Ops => OpCases.Ragged.Select(op => op.Name);

    [TestCaseSource(nameof(Ops))]
    public void ProfiledOp_HasTheBitsOfTheBackendWithin_AndIsRecordedOnce(string op)
    {
        byte[][] plain = Run(op, new CpuBackend(2), out _);
        OpProfile profile = new() { IsRecording = true };
        byte[][] profiled = Run(op, new ProfilingBackend(new CpuBackend(2), profile), out int earlier, profile);
        Assert.That(profiled, Is.EqualTo(plain));
        OpCall call = profile.Calls.Skip(earlier).Single();
        Assert.That(call.Op, Is.EqualTo(op));
        Assert.That(call.Part, Is.EqualTo("layer 3"));
        Assert.That(call.Cost.Bytes, Is.GreaterThan(0));
        Assert.That(call.Ticks, Is.GreaterThanOrEqualTo(0));
    }

    [Test]
    public void Recording_IsOffUntilItIsAskedFor()
    {
        OpProfile profile = new();
        Run("Add", new ProfilingBackend(new CpuBackend(1), profile), out _);
        Assert.That(profile.Calls, Is.Empty);
    }

    [Test]
    public void Cost_OfALinearLayer_IsItsProductsAndOperands()
    {
        OpProfile profile = new() { IsRecording = true };
        using Backend backend = new ProfilingBackend(new CpuBackend(1), profile);
        using Device device = new(backend);
        Scene scene = new(device, Types);
        Tensor x = scene.Activation(5, 7), w = scene.Weight(3, 7), y = scene.NewActivation(5, 3);
        Tensor dx = scene.Activation(5, 7), dw = scene.Statistic(3, 7);
        backend.Linear(x, new LinearWeight(w), y);
        backend.LinearBackward(x, new LinearWeight(w), y, dx, default);
        backend.LinearBackward(x, new LinearWeight(w), y, dx, new LinearGradient(dw));
        backend.LinearBackward(x, new LinearWeight(w), y, new InputGradient(dx, Overwrites: true), default);
        Assert.That(profile.Calls.Select(call => call.Cost), Is.EqualTo(new OpCost[]
        {
            new(2 * 5 * 3 * 7, 4 * (5 * 7 + 3 * 7 + 5 * 3), false),
            new(2 * 5 * 3 * 7, 4 * (5 * 3 + 3 * 7 + 2 * 5 * 7), false), // nothing for a frozen weight's gradient
            new(2 * 2 * 5 * 3 * 7, 4 * (5 * 3 + 3 * 7 + 2 * 5 * 7 + 5 * 7 + 2 * 3 * 7), false),
            new(2 * 5 * 3 * 7, 4 * (5 * 3 + 3 * 7 + 5 * 7), false), // a gradient that is not read
        }));
    }

    [Test]
    public void Cost_OfALossHead_IsThatOfTheRowsThatPredict()
    {
        OpProfile profile = new() { IsRecording = true };
        using Backend backend = new ProfilingBackend(new CpuBackend(1), profile);
        using Device device = new(backend);
        Scene scene = new(device, Types);
        Tensor x = scene.Activation(5, 7), w = scene.Weight(3, 7), losses = scene.Statistic(5);
        Tensor dx = scene.Activation(5, 7), dw = scene.Statistic(3, 7);
        Tensor targets = scene.Integers([-1, 2, -1, -1, 0], 5);
        backend.LinearCrossEntropy(x, new LinearWeight(w), targets, 1, losses, Tensor.None, default);
        backend.LinearCrossEntropy(x, new LinearWeight(w), targets, 1, losses, dx, new LinearGradient(dw));
        Assert.That(profile.Calls.Select(call => call.Cost), Is.EqualTo(new OpCost[]
        {
            new(2 * 2 * 3 * 7, 4 * (2 * 7 + 3 * 7 + 5 + 5), false),
            new(3 * 2 * 2 * 3 * 7, 4 * (2 * 7 + 3 * 7 + 5 + 5 + 2 * 2 * 7 + 2 * 3 * 7), false),
        }));
    }

    [TestCase(AttentionMask.Causal, 10 + 3, TestName = "Cost_OfAttention_Causal")]
    [TestCase(AttentionMask.Window, 7 + 3, TestName = "Cost_OfAttention_Window")]
    [TestCase(AttentionMask.Bidirectional, 16 + 4, TestName = "Cost_OfAttention_Bidirectional")]
    public void Cost_OfAttention_CountsVisiblePairs(AttentionMask mask, int pairs)
    {
        OpProfile profile = new() { IsRecording = true };
        using Backend backend = new ProfilingBackend(new CpuBackend(1), profile);
        using Device device = new(backend);
        Scene scene = new(device, Types);
        Tensor q = scene.Activation(6, 8), k = scene.Activation(6, 4), v = scene.Activation(6, 4);
        Segments segments = new(scene.Integers([0, 4, 4, 6], 2, 2), 4); // 4 rows and 2
        AttentionShape shape = new(2, 1, 4, 0.5f, mask, Window: 2);
        backend.Attention(q, k, v, segments, shape, scene.NewActivation(6, 8), scene.NewStatistic(6, 2));
        Assert.That(profile.Calls.Single().Cost.Flops, Is.EqualTo(4.0 * pairs * shape.Heads * shape.HeadSize));
    }

    [Test]
    public void Cost_AtTheLimits_IsTheSlowerOfArithmeticAndMemory()
    {
        DeviceLimits limits = new(F32Flops: 100, Bf16Flops: 200, CopyBytes: 10);
        Assert.That(new OpCost(1000, 10, false).SecondsAt(limits), Is.EqualTo(10));
        Assert.That(new OpCost(1000, 10, true).SecondsAt(limits), Is.EqualTo(5));
        Assert.That(new OpCost(1000, 1000, true).SecondsAt(limits), Is.EqualTo(100));
    }

    private static byte[][] Run(string op, Backend backend, out int callsBefore, OpProfile? profile = null)
    {
        using (backend)
        {
            using Device device = new(backend);
            OpCase made = OpCases.Ragged.Single(candidate => candidate.Name == op).Build(new Scene(device, Types));
            callsBefore = profile?.Calls.Count ?? 0; // some operands are made by ops
            backend.Mark("layer 3");
            made.Run();
            return [.. made.Outputs.Select(output => device.Bytes(output.Tensor))];
        }
    }
}
