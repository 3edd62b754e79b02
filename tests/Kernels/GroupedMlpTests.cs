using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>A gated feed-forward layer whose three layers have low-rank terms in groups of rows.</summary>
public sealed class GroupedMlpTests
{
    private const int Rows = 61, Width = 22, Inner = 35, Rank = 3;

    private static readonly RowGroup[] Groups = [new(1, 7, Rank), new(8, 20, Rank), new(31, 29, Rank)];

    private static readonly Types[] AllTypes = [Types.Single, Types.Brain];

    [Test]
    public void Group_HasTheBitsItHasAlone([ValueSource(nameof(AllTypes))] Types types, [Values(1, 2)] int threads)
    {
        // Blocks of hidden rows begin and end within groups, at odd rows of theirs too.
        using CpuBackend backend = new(threads) { MostHiddenRows = 10 };
        Check(backend, types);
    }

    [Test]
    public void Reference_IsThatOfEachGroupAlone()
    {
        using Backend backend = Cases.Open("reference");
        Check(backend, Types.Double);
    }

    private static void Check(Backend backend, Types types)
    {
        using Device device = new(backend);
        Mlp together = new(new Scene(device, types)), alone = new(new Scene(device, types));
        together.RunTogether();
        for (int group = 0; group < Groups.Length; group++)
            alone.RunAlone(group);
        foreach (var (output, want, name) in together.Outputs.Zip(alone.Outputs, (string[])["y", "dx"]))
            foreach (RowGroup rows in Groups)
                Assert.That(
                    device.Bytes(output.Slice(rows.Start, rows.Rows)),
                    Is.EqualTo(device.Bytes(want.Slice(rows.Start, rows.Rows))), $"{name} of {rows}");
        foreach (var (gradient, want) in together.Gradients.Zip(alone.Gradients))
            Assert.That(device.Bytes(gradient), Is.EqualTo(device.Bytes(want)));
        device.CheckBorders();
    }

    private sealed class Mlp(Scene s)
    {
        private readonly GroupedLayer _gate = new(s, new GroupedShape(Rows, Inner, Width, Groups), bias: false);
        private readonly GroupedLayer _up = new(s, new GroupedShape(Rows, Inner, Width, Groups), bias: false);
        private readonly GroupedLayer _down = new(s, new GroupedShape(Rows, Width, Inner, Groups), bias: false);
        private readonly Tensor _y = s.NewActivation(Rows, Width), _dx = s.Activation(Rows, Width);
        private readonly Tensor _dy = s.Activation(Rows, Width);

        public Tensor[] Outputs => [_y, _dx];

        public Tensor[] Gradients => [.. from layer in (GroupedLayer[])[_gate, _up, _down]
                                         from index in Enumerable.Range(0, Groups.Length)
                                         from gradient in (Tensor[])[layer.Of(index).DA, layer.Of(index).DB]
                                         select gradient];

        public void RunTogether()
        {
            LinearWeight gate = _gate.Grouped(overwrites: true), up = _up.Grouped();
            LinearWeight down = _down.Grouped(overwrites: true);
            Tensor gated = s.NewActivation(Rows, Inner), upped = s.NewActivation(Rows, Inner);
            s.Backend.GatedMlp(_gate.X, gate, up, down, Gate.SwiGlu, Tensor.None, gated, upped, _y);
            s.Backend.GatedMlpBackward(
                _gate.X, gate, up, down, Gate.SwiGlu, gated, upped, _dy, _dx, default, default, default);
        }

        public void RunAlone(int group)
        {
            RowGroup rows = Groups[group];
            LinearWeight gate = Alone(_gate), up = Alone(_up), down = Alone(_down);
            Tensor gated = s.NewActivation(rows.Rows, Inner), upped = s.NewActivation(rows.Rows, Inner);
            Tensor x = _gate.Rows(_gate.X, group);
            s.Backend.GatedMlp(
                x, gate, up, down, Gate.SwiGlu, Tensor.None, gated, upped, _gate.Rows(_y, group));
            s.Backend.GatedMlpBackward(
                x, gate, up, down, Gate.SwiGlu, gated, upped, _gate.Rows(_dy, group), _gate.Rows(_dx, group),
                Gradient(_gate, overwrites: true), Gradient(_up), Gradient(_down, overwrites: true));

            LinearWeight Alone(GroupedLayer layer) => layer.Alone(group, s.NewActivation(rows.Rows, Rank));

            LinearGradient Gradient(GroupedLayer layer, bool overwrites = false) =>
                new(A: layer.Of(group).DA, B: layer.Of(group).DB, Overwrites: overwrites);
        }
    }
}
