using FastCpt.Kernels;
using FastCpt.Kernels.Reference;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Compares an op of a backend with Reference in F64 on the same numbers, within derived bounds.</summary>
internal static class Agreement
{
    /// <summary>Absolute errors below this are underflow: products of normal numbers near the end of float32's
    /// range.</summary>
    private const double Underflow = 1e-36;

    /// <param name="build">Makes the op's operands in a scene, the same whatever the types.</param>
    public static void Check(Backend backend, Types types, object shape, Func<Scene, OpCase> build)
    {
        using ReferenceBackend reference = new();
        using Device device = new(backend), exactDevice = new(reference);
        OpCase tested = build(new Scene(device, types)), exact = build(new Scene(exactDevice, types, Types.Double));
        tested.Run();
        exact.Run();
        Units units = new(Units.Of(types.Activation));
        for (int i = 0; i < tested.Outputs.Length; i++)
        {
            Output got = tested.Outputs[i], want = exact.Outputs[i];
            string what = $"{got.Name} of {shape} in {types} on {backend.Name} ({backend.InstructionSet})";
            Compare(
                what, device.Read(got.Tensor), exactDevice.Read(want.Tensor), want.Errors(units),
                Units.Of(got.Tensor.Type));
        }

        device.CheckBorders();
    }

    /// <summary>|got − want| ≤ unit · |want| + error for every element; infinities and NaN must be the same.</summary>
    public static void Compare(string what, double[] got, double[] want, double[] errors, double unit)
    {
        Assert.That((got.Length, errors.Length), Is.EqualTo((want.Length, want.Length)), what);
        int worst = -1;
        double worstRatio = 1;
        for (int i = 0; i < want.Length; i++)
        {
            double bound = unit * Math.Abs(want[i]) + (1 + unit) * errors[i] + Underflow;
            double ratio = got[i].Equals(want[i]) ? 0 : Math.Abs(got[i] - want[i]) / bound;
            if (!(ratio <= worstRatio))
                (worst, worstRatio) = (i, double.IsNaN(ratio) ? double.PositiveInfinity : ratio);
        }

        Assert.That(
            worst, Is.EqualTo(-1),
            () => $"{what}: [{worst}] is {got[worst]:R}, exact {want[worst]:R}: {worstRatio:F1} times the bound.");
    }
}
