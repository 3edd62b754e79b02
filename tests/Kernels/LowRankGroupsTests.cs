using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>Layers whose rows have low-rank terms in groups.</summary>
public sealed class LowRankGroupsTests
{
    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Linear_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (GroupedShape shape in GroupedShape.Biting)
            Agreement.Check(backend, types, shape, s => Forward(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (GroupedShape shape in GroupedShape.Biting)
            Agreement.Check(backend, types, shape, s => Backward(s, shape));
    }

    /// <summary>Each term only sees its own rows: Reference agrees with single layers on slices, exactly.</summary>
    [Test]
    public void Linear_ReferenceIsThatOfEachGroupAlone([Values] bool ownInput)
    {
        using Device device = new(Cases.Open("reference"));
        foreach (GroupedShape shape in GroupedShape.Biting)
            GroupBits.Check(device, Types.Double, shape, ownInput);
    }

    [Test]
    public void Linear_GradientAgreesWithDifferences([Values] bool ownInput)
    {
        using GradientCheck check = new();
        GroupedShape shape = new(9, 5, 6, new RowGroup(1, 3, 2), new RowGroup(4, 4, 3));
        GroupedLayer layer = new(check.Scene, shape);
        Tensor y = check.Scene.NewActivation(9, 5);
        var (a0, b0, _, _) = layer.Of(0);
        var (a1, b1, _, _) = layer.Of(1);
        Tensor[] inputs = [layer.X, a0, b0, a1, b1, .. ownInput ? [layer.Input] : Array.Empty<Tensor>()];
        check.Check(
            inputs, [y], () => check.Backend.Linear(layer.X, layer.Grouped(ownInput), y), (dy, d) =>
            {
                LowRank adapter = layer.Grouped(ownInput).Adapter;
                LowRankGroups groups = new();
                groups.Add(adapter.Groups![0] with { Gradient = new LowRankGradient(d[1], d[2]) });
                groups.Add(adapter.Groups![1] with { Gradient = new LowRankGradient(d[3], d[4]) });
                check.Backend.LinearBackward(
                    layer.X, layer.Weight with { Adapter = new LowRank(groups, adapter.Projected, adapter.Input) },
                    dy[0], d[0], new LinearGradient(Input: ownInput ? d[5] : Tensor.None));
            });
    }

    [Test]
    public void GroupsThatCannotBe_AreRefused()
    {
        using Device device = new(Cases.Open("reference"));
        Scene s = new(device, Types.Single);
        GroupedLayer layer = new(s, new GroupedShape(6, 4, 5, new RowGroup(0, 2, 2), new RowGroup(2, 4, 3)));
        Tensor y = s.Activation(6, 4), dw = s.Statistic(4, 5);
        LinearWeight w = layer.Grouped();
        Tensor wrong = s.Activation(6, 2), short5 = layer.X.Slice(0, 5);
        LowRankGroups groups = new();
        groups.Add(w.Adapter.Groups![1]);
        Assert.Throws<ArgumentException>(() => groups.Add(w.Adapter.Groups![0]), "rows go back");
        Assert.Throws<ArgumentException>(() => groups.Add(new LowRankGroup(6, 1, Tensor.None, Tensor.None, 1)));
        Assert.Throws<ArgumentException>(
            () => device.Backend.Linear(layer.X, w with { Adapter = w.Adapter with { Projected = wrong } }, y));
        Assert.Throws<ArgumentException>(
            () => device.Backend.Linear(
                short5, w with { Adapter = w.Adapter with { Projected = w.Adapter.Projected.Slice(0, 5) } },
                y.Slice(0, 5)));
        Assert.Throws<ArgumentException>(
            () => device.Backend.LinearBackward(layer.X, w, y, Tensor.None, new LinearGradient(dw)), "a shared weight");
        Assert.Throws<ArgumentException>(
            () => device.Backend.LinearBackward(layer.X, w, y, Tensor.None, new LinearGradient(A: s.Statistic(2, 5))));
    }

    internal static OpCase Forward(Scene s, GroupedShape shape)
    {
        GroupedLayer layer = new(s, shape);
        Tensor y = s.NewActivation(shape.M, shape.N);
        LinearWeight w = layer.Grouped();
        List<Output> outputs = [];
        for (int index = 0; index < shape.Groups.Length; index++)
            Add(shape.Groups[index], layer.Alone(index, Tensor.None));
        foreach (RowGroup gap in shape.Gaps)
            Add(gap, layer.Weight);
        return new OpCase(() => s.Backend.Linear(layer.X, w, y), [.. outputs]);

        void Add(RowGroup rows, LinearWeight weight) => outputs.Add(new Output(
            $"y of {rows}", y.Slice(rows.Start, rows.Rows),
            units => LinearBounds.Forward(s, layer.Drawn(layer.X, rows), null, weight, units).Values));
    }

    internal static OpCase Backward(Scene s, GroupedShape shape)
    {
        GroupedLayer layer = new(s, shape);
        Tensor dx = s.Activation(shape.M, shape.K);
        LinearWeight w = layer.Grouped();
        List<Output> outputs = [];
        for (int index = 0; index < shape.Groups.Length; index++)
        {
            RowGroup rows = shape.Groups[index];
            LinearWeight alone = layer.Alone(index, Tensor.None);
            var (_, _, dA, dB) = layer.Of(index);
            AddInput(rows, alone);
            outputs.Add(new Output($"dA of {rows}", dA, units => (LinearTests.DownErrors(
                s, layer.Drawn(layer.X, rows), layer.Drawn(layer.Dy, rows), alone, units)
                + LinearBounds.Adding(s, dA)).Values));
            outputs.Add(new Output($"dB of {rows}", dB, _ => (LinearBounds.WeightGradient(
                layer.Drawn(layer.Dy, rows), null, layer.DrawnProjected(rows)) + LinearBounds.Adding(s, dB)).Values));
        }

        foreach (RowGroup gap in shape.Gaps)
            AddInput(gap, layer.Weight);
        return new OpCase(() => s.Backend.LinearBackward(layer.X, w, layer.Dy, dx, default), [.. outputs]);

        void AddInput(RowGroup rows, LinearWeight weight) => outputs.Add(new Output(
            $"dx of {rows}", dx.Slice(rows.Start, rows.Rows),
            units => (LinearBounds.InputGradient(s, layer.Drawn(layer.Dy, rows), null, weight, units)
                + Units.Single * layer.Drawn(dx, rows).Absolute()).Values));
    }
}
