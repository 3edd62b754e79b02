using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>x · Φ(x), with slope Φ(x) + x φ(x).</summary>
internal readonly struct NormalGelu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Value(Vector512<float> x)
    {
        VectorMath.Normal(x, out Vector512<float> distribution, out _);
        return x * distribution;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ValueAndSlope(Vector512<float> x, out Vector512<float> value, out Vector512<float> slope)
    {
        VectorMath.Normal(x, out Vector512<float> distribution, out Vector512<float> density);
        value = x * distribution;
        slope = Vector512.FusedMultiplyAdd(x, density, distribution);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void GeluKernel(Tensor x, Tensor y)
    {
        if (IsSingle(y))
        {
            GeluJob<SingleElement> job = new((void*)x.Address, (void*)y.Address, y.Length);
            RunElements(job, y.Length);
        }
        else
        {
            GeluJob<BrainElement> job = new((void*)x.Address, (void*)y.Address, y.Length);
            RunElements(job, y.Length);
        }
    }

    protected override void GeluBackwardKernel(Tensor x, Tensor dy, InputGradient dx)
    {
        if (IsSingle(x))
        {
            GeluBackwardJob<SingleElement> job = new(x, dy, dx);
            RunElements(job, x.Length);
        }
        else
        {
            GeluBackwardJob<BrainElement> job = new(x, dy, dx);
            RunElements(job, x.Length);
        }
    }

    private readonly struct GeluJob<TElement>(void* x, void* y, long length) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Activation.Plain<NormalGelu, TElement>(
                x, y, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }

    private readonly struct GeluBackwardJob<TElement>(Tensor x, Tensor dy, InputGradient dx) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Activation.PlainBackward<NormalGelu, TElement>(
                (void*)x.Address, (void*)dy.Address, (void*)dx.Value.Address, dx.Overwrites, start * ElementBlock,
                Math.Min(end * ElementBlock, x.Length));
    }
}
