using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>x / (1 + exp(−x)), the gate of SwiGLU.</summary>
internal readonly struct Silu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Logistic(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ValueAndSlope(Vector512<float> x, out Vector512<float> value, out Vector512<float> slope)
    {
        Vector512<float> s = VectorMath.Logistic(x);
        value = x * s;
        slope = Vector512.FusedMultiplyAdd(value, Vector512<float>.One - s, s);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void SwiGluKernel(Tensor gate, Tensor up, Tensor y) => Gated<Silu>(gate, up, y);

    protected override void SwiGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp) =>
        GatedBackward<Silu>(gate, up, dy, dGate, dUp);
}
