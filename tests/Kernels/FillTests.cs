using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class FillTests
{
    internal static OpCase Build(Scene s, int length)
    {
        Tensor y = s.NewActivation(length);
        return new OpCase(() => s.Backend.Fill(-1.2345678901234567, y), Output.RoundedOnce("y", y));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Fill_WritesEveryElementRoundedOnce(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (int length in (int[])[0, 1, 15, 16, 17, 31, 33, 1000])
            Agreement.Check(backend, types, length, s => Build(s, length));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Fill_WritesSpecialValues(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Tensor y = device.Empty(types.Activation, new Shape(19));
        foreach (double value in (double[])[double.NaN, double.NegativeInfinity, 0, -0.0])
        {
            backend.Fill(value, y);
            Assert.That(device.Read(y), Is.All.EqualTo(value));
            Assert.That(device.Read(y).Select(double.IsNegative), Is.All.EqualTo(double.IsNegative(value)));
        }
    }

    [Test]
    public void Fill_OfIntegersThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Assert.Throws<ArgumentException>(() => device.Backend.Fill(0, device.Empty(DType.I32, new Shape(4))));
        Assert.Throws<ArgumentException>(() => device.Backend.Fill(0, Tensor.None));
    }
}
