namespace FastCpt.Kernels;

/// <summary>What a device can do at most, measured at one moment: speeds are read as fractions of it.</summary>
/// <param name="F32Flops">F32 operations per second, a fused multiply-add counted as two; NaN where it has no
/// meaning.</param>
/// <param name="Bf16Flops">The same for products of BF16 summed in F32; that of F32 where there are no instructions
/// for them.</param>
/// <param name="CopyBytes">Bytes per second read and written, both counted, of a copy larger than the caches.</param>
public readonly record struct DeviceLimits(double F32Flops, double Bf16Flops, double CopyBytes);
