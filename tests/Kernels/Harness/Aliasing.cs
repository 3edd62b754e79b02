using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Holds that an output may be the memory of an input where the contract says so: the bits are the
/// same.</summary>
internal static class Aliasing
{
    /// <summary>Runs an op into memory of its own, then into each of its inputs, all of the output's shape.</summary>
    public static void Check(
        Backend backend, Types types, (int Rows, int Cols)[] inputs, Action<Tensor[], Tensor> run)
    {
        using Device device = new(backend);
        byte[] apart = Run(device, types, inputs, -1, run);
        for (int shared = 0; shared < inputs.Length; shared++)
            Assert.That(Run(device, types, inputs, shared, run), Is.EqualTo(apart), $"output over input {shared}");
    }

    private static byte[] Run(
        Device device, Types types, (int Rows, int Cols)[] shapes, int shared, Action<Tensor[], Tensor> run)
    {
        Scene scene = new(device, types);
        Tensor[] inputs = [.. shapes.Select(shape => scene.Activation(shape.Rows, shape.Cols))];
        Tensor output = shared < 0 ? scene.NewActivation(shapes[0].Rows, shapes[0].Cols) : inputs[shared];
        run(inputs, output);
        return device.Bytes(output);
    }
}
