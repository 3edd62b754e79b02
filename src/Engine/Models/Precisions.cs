using FastCpt.Engine.Config;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>What a precision means on a device.</summary>
public static class Precisions
{
    /// <summary>
    /// The precision that a run has: F32 where it is left to the device, since every backend so far computes in it.
    /// </summary>
    public static Precision Resolve(Precision asked) => asked == Precision.Auto ? Precision.Fp32 : asked;

    /// <summary>Type of weights and activations.</summary>
    public static DType ActivationType(Precision resolved) =>
        resolved == Precision.Fp32 ? DType.F32 : DType.BF16;
}
