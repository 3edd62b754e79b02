using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>The tanh form of gelu, the gate of GeGLU.</summary>
/// <remarks>0.5 x (1 + tanh(u)) = x · s with s the logistic function of 2u, and 2u = x (a + b x²): one exponential,
/// no cancellation. The slope is s + x · s (1 − s) · (a + 3 b x²).</remarks>
internal readonly struct TanhGelu : IActivation
{
    private const float Slope = 1.59576912f;            // 2 √(2/π)
    private const float Cubic = 0.0713548163f;          // 0.044715 · 2 √(2/π)

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Logistic(x * Inner(x * x, Cubic));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ValueAndSlope(Vector512<float> x, out Vector512<float> value, out Vector512<float> slope)
    {
        Vector512<float> square = x * x;
        Vector512<float> s = VectorMath.Logistic(x * Inner(square, Cubic));
        value = x * s;
        // Where 1 − s is 0 the square may have overflowed; the bound keeps 0 · ∞ out.
        square = Vector512.MinNative(Vector512.Create(1e4f), square);
        slope = Vector512.FusedMultiplyAdd(value * (Vector512<float>.One - s), Inner(square, 3 * Cubic), s);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Inner(Vector512<float> square, float cubic) =>
        Vector512.FusedMultiplyAdd(square, Vector512.Create(cubic), Vector512.Create(Slope));
}

public sealed unsafe partial class CpuBackend
{
    protected override void GeGluKernel(Tensor gate, Tensor up, Tensor y) => Gated<TanhGelu>(gate, up, y);

    protected override void GeGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp) =>
        GatedBackward<TanhGelu>(gate, up, dy, dGate, dUp);
}
