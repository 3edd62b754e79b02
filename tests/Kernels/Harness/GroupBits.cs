using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Holds that groups of rows in one pass have the bits of passes with one group alone.</summary>
internal static class GroupBits
{
    /// <summary>y, dx, the input's gradient, and dA and dB of every group; rows in no group have the base's.</summary>
    /// <param name="leaves">A group whose term is gone, or −1.</param>
    /// <param name="packs">Whether the pass of all, but not those of one, has its weight packed beforehand.</param>
    public static void Check(
        Device device, Types types, GroupedShape shape, bool ownInput, int leaves = -1, bool packs = false)
    {
        GroupedLayer together = new(new Scene(device, types), shape), alone = new(new Scene(device, types), shape);
        Scene s = new(device, types, seed: 9);
        double[] before = s.Normal(shape.M, shape.K);
        Tensor[] outputs = Outputs(), expected = Outputs();
        LinearWeight w = together.Grouped(ownInput, leaves, packs: packs);
        device.Backend.Linear(together.X, w, outputs[0]);
        device.Backend.LinearBackward(
            together.X, w, together.Dy, outputs[1], new LinearGradient(Input: ownInput ? outputs[2] : Tensor.None));
        for (int group = 0; group < shape.Groups.Length; group++)
            if (group != leaves)
                RunAlone(device.Backend, s, alone, shape.Groups[group], group, ownInput, expected);
        foreach (RowGroup gap in shape.Gaps.Concat(leaves < 0 ? [] : [shape.Groups[leaves]]))
        {
            device.Backend.Linear(
                alone.X.Slice(gap.Start, gap.Rows), alone.Weight, expected[0].Slice(gap.Start, gap.Rows));
            device.Backend.LinearBackward(
                alone.X.Slice(gap.Start, gap.Rows), alone.Weight, alone.Dy.Slice(gap.Start, gap.Rows),
                expected[1].Slice(gap.Start, gap.Rows), default);
        }

        string what = $"{shape} in {types} on {device.Backend.InstructionSet}, {device.Backend.Threads} threads";
        foreach (var (output, want, name) in outputs.Zip(expected, (string[])["y", "dx", "dInput"]))
            Assert.That(device.Bytes(output), Is.EqualTo(device.Bytes(want)), $"{name} of {what}");
        for (int group = 0; group < shape.Groups.Length; group++)
        {
            var (_, _, dA, dB) = together.Of(group);
            var (_, _, wantA, wantB) = alone.Of(group);
            Assert.That(device.Bytes(dA), Is.EqualTo(device.Bytes(wantA)), $"dA of group {group} of {what}");
            Assert.That(device.Bytes(dB), Is.EqualTo(device.Bytes(wantB)), $"dB of group {group} of {what}");
        }

        device.CheckBorders();

        Tensor[] Outputs() =>
        [
            s.NewActivation(shape.M, shape.N), s.ActivationOf(before, shape.M, shape.K),
            s.ActivationOf(before, shape.M, shape.K),
        ];
    }

    private static void RunAlone(
        Backend backend, Scene s, GroupedLayer layer, RowGroup rows, int group, bool ownInput, Tensor[] outputs)
    {
        LinearWeight w = layer.Alone(group, s.NewActivation(rows.Rows, rows.Rank), ownInput);
        Tensor x = layer.Rows(layer.X, group);
        var (_, _, dA, dB) = layer.Of(group);
        backend.Linear(x, w, layer.Rows(outputs[0], group));
        backend.LinearBackward(
            x, w, layer.Rows(layer.Dy, group), layer.Rows(outputs[1], group),
            new LinearGradient(A: dA, B: dB, Input: ownInput ? layer.Rows(outputs[2], group) : Tensor.None));
    }
}
