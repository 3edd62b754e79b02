using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>A gradient that is overwritten holds what adding to zeros gives, whatever was there before.</summary>
public sealed class OverwrittenGradientTests
{
    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_Overwrites(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in LinearShape.Biting)
        {
            using Device device = new(backend);
            Scene s = new(device, types);
            Tensor x = s.Activation(shape.M, shape.K), dy = s.Activation(shape.M, shape.N);
            LinearWeight w = LinearParts.Projected(s, LinearParts.Weight(s, shape), shape.M);
            LinearGradient added = Filled(backend, LinearParts.Gradient(s, shape), 0);
            LinearGradient over = Filled(backend, LinearParts.Gradient(s, shape), double.NaN);
            Tensor dAdded = Filled(backend, s.NewActivation(shape.M, shape.K), 0);
            Tensor dOver = Filled(backend, s.NewActivation(shape.M, shape.K), double.NaN);
            backend.LinearBackward(x, w, dy, dAdded, added);
            backend.LinearBackward(
                x, w, dy, new InputGradient(dOver, Overwrites: true), over with { Overwrites = true });
            Compare(device, added, over, shape);
            Assert.That(device.Read(dOver), Is.EqualTo(device.Read(dAdded)), $"{shape}: dx");
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_OverwritesRowsInGroupsAndInNone(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (GroupedShape shape in GroupedShape.Biting)
            foreach (bool ownInput in new[] { false, true })
            {
                using Device device = new(backend);
                Scene s = new(device, types);
                GroupedLayer layer = new(s, shape);
                LinearWeight w = layer.Grouped(ownInput);
                Tensor dInput = ownInput ? Filled(backend, s.NewActivation(shape.M, shape.K), 0) : Tensor.None;
                Tensor added = Filled(backend, s.NewActivation(shape.M, shape.K), 0);
                Tensor over = Filled(backend, s.NewActivation(shape.M, shape.K), double.NaN);
                backend.LinearBackward(layer.X, w, layer.Dy, added, new LinearGradient(Input: dInput));
                backend.LinearBackward(
                    layer.X, w, layer.Dy, new InputGradient(over, Overwrites: true), new LinearGradient(Input: dInput));
                Assert.That(device.Read(over), Is.EqualTo(device.Read(added)), $"{shape}, {ownInput}");
                device.CheckBorders();
            }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void GeluBackward_Overwrites(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.Activation(9, 13), dy = s.Activation(9, 13);
        Tensor added = Filled(backend, s.NewActivation(9, 13), 0);
        Tensor over = Filled(backend, s.NewActivation(9, 13), double.NaN);
        backend.GeluBackward(x, dy, added);
        backend.GeluBackward(x, dy, new InputGradient(over, Overwrites: true));
        Assert.That(device.Read(over), Is.EqualTo(device.Read(added)));
        device.CheckBorders();
    }

    [Test]
    public void GatedMlpBackward_Overwrites(
        [Values("reference", "cpu")] string name, [Values(0, 20)] int rows, [Values(4, 20)] int rowsAtOnce,
        [Values] bool isBrain)
    {
        const int Width = 24, Inner = 40;
        using Backend backend = name == "cpu" ? new CpuBackend(2) { MostHiddenRows = rowsAtOnce } : Cases.Open(name);
        using Device device = new(backend);
        LinearGradient[] added = Run(0, overwrites: false, out Tensor dAdded);
        LinearGradient[] over = Run(double.NaN, overwrites: true, out Tensor dOver);
        Assert.That(device.Read(dOver), Is.EqualTo(device.Read(dAdded)), "dx");
        for (int part = 0; part < added.Length; part++)
            Compare(device, added[part], over[part], part);

        LinearGradient[] Run(double before, bool overwrites, out Tensor dx)
        {
            Scene s = new(device, isBrain ? Types.Brain : Types.Single, seed: 4);
            LinearShape wide = new(rows, Inner, Width, Bias: true, Rank: 3);
            LinearShape narrow = new(rows, Width, Inner, Bias: true, Rank: 3);
            LinearWeight gate = LinearParts.Projected(s, LinearParts.Weight(s, wide), rows);
            LinearWeight up = LinearParts.Projected(s, LinearParts.Weight(s, wide), rows);
            LinearWeight down = LinearParts.Projected(s, LinearParts.Weight(s, narrow), rows);
            Tensor x = s.Activation(rows, Width), dy = s.Activation(rows, Width);
            Tensor gated = s.Activation(rows, Inner), upped = s.Activation(rows, Inner);
            LinearGradient[] d =
            [
                .. new[] { wide, wide, narrow }.Select(shape =>
                    Filled(backend, LinearParts.Gradient(s, shape), before) with { Overwrites = overwrites }),
            ];
            dx = Filled(backend, s.NewActivation(rows, Width), before);
            backend.GatedMlpBackward(
                x, gate, up, down, Gate.SwiGlu, gated, upped, dy, new InputGradient(dx, overwrites), d[0], d[1], d[2]);
            return d;
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void LinearCrossEntropy_Overwrites(string name)
    {
        using Backend backend = Cases.Open(name);
        Check(backend, row => row % 4 == 3 ? Backend.IgnoredTarget : row);
        Check(backend, _ => Backend.IgnoredTarget);
    }

    /// <summary>Two groups of rows, whose logits are kept or made twice: the second adds to what the first left.
    /// </summary>
    [TestCase(300, 200 * 1328 * sizeof(float))]
    [TestCase(1100, 1)]
    public void LinearCrossEntropy_OverwritesOnce(int rows, long keptBytes)
    {
        using CpuBackend backend = new(2) { KeptLogitBytes = keptBytes };
        Check(backend, row => row, rows);
    }

    private static void Check(Backend backend, Func<int, int> target, int rows = 30)
    {
        const int Width = 24, Vocabulary = 1300;
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        Tensor x = s.Activation(rows, Width), w = s.Weight(Vocabulary, Width), losses = s.NewStatistic(rows);
        Tensor targets = s.Integers([.. Enumerable.Range(0, rows).Select(target)]);
        LinearWeight head = new(w, s.Weight(Vocabulary));
        LinearGradient added = new(s.NewStatistic(Vocabulary, Width), s.NewStatistic(Vocabulary));
        LinearGradient over = new(s.NewStatistic(Vocabulary, Width), s.NewStatistic(Vocabulary), Overwrites: true);
        Filled(backend, added, 0);
        backend.LinearCrossEntropy(x, head, targets, 0.5f, losses, Tensor.None, added);
        backend.LinearCrossEntropy(x, head, targets, 0.5f, losses, Tensor.None, over);
        Compare(device, added, over, "loss");
    }

    private static Tensor Filled(Backend backend, Tensor tensor, double value)
    {
        backend.Fill(value, tensor);
        return tensor;
    }

    private static LinearGradient Filled(Backend backend, LinearGradient d, double value)
    {
        foreach (Tensor tensor in new[] { d.Weight, d.Bias, d.A, d.B }.Where(tensor => !tensor.IsNone))
            backend.Fill(value, tensor);
        return d;
    }

    private static void Compare(Device device, LinearGradient added, LinearGradient over, object what)
    {
        Compare("weight", added.Weight, over.Weight);
        Compare("bias", added.Bias, over.Bias);
        Compare("A", added.A, over.A);
        Compare("B", added.B, over.B);
        device.CheckBorders();

        void Compare(string part, Tensor one, Tensor other)
        {
            if (!one.IsNone)
                Assert.That(device.Read(other), Is.EqualTo(device.Read(one)), $"{what}: {part}");
        }
    }
}
