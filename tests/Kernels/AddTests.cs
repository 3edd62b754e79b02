using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class AddTests
{
    internal static OpCase Forward(Scene s, int rows, int cols)
    {
        Tensor x = s.Activation(rows, cols), y = s.Activation(rows, cols), z = s.NewActivation(rows, cols);
        // BF16 sums may be rounded to float32 on the way.
        return new OpCase(
            () => s.Backend.Add(x, y, z),
            Output.Each("z", z, (i, _) => Units.Single * Math.Abs(s.Drawn(x)[i] + s.Drawn(y)[i])));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Add_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Forward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Add_MayOverwriteEitherOperand(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Aliasing.Check(
            backend, types, [(33, 17), (33, 17)], (inputs, y) => backend.Add(inputs[0], inputs[1], y));
    }

    [Test]
    public void Add_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(2, 3)), turned = device.Empty(DType.F32, new Shape(3, 2));
        Tensor narrow = device.Empty(DType.BF16, new Shape(2, 3)), whole = device.Empty(DType.I32, new Shape(2, 3));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.Add(x, turned, x));
        Assert.Throws<ArgumentException>(() => backend.Add(x, x, turned));
        Assert.Throws<ArgumentException>(() => backend.Add(x, narrow, x));
        Assert.Throws<ArgumentException>(() => backend.Add(whole, whole, whole));
        Assert.Throws<ArgumentException>(() => backend.Add(Tensor.None, x, x));
    }
}
