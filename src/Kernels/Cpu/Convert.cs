using System.Runtime.CompilerServices;

namespace FastCpt.Kernels.Cpu;

internal static unsafe class Convert
{
    /// <summary>y[i] = x[i], rounded to y's type, for i in [start, end); the tail is masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TFrom, TTo>(void* x, void* y, long start, long end)
        where TFrom : IElement
        where TTo : IElement
    {
        long i = start;
        for (; i + 16 <= end; i += 16)
            TTo.Store(TFrom.Load(x, i), y, i);
        int rest = (int)(end - i);
        if (rest > 0)
            TTo.Store(TFrom.Load(x, i, rest), y, i, rest);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void ConvertKernel(Tensor x, Tensor y)
    {
        switch (IsSingle(x), IsSingle(y))
        {
            case (true, true):
                Convert<SingleElement, SingleElement>(x, y);
                break;
            case (true, false):
                Convert<SingleElement, BrainElement>(x, y);
                break;
            case (false, true):
                Convert<BrainElement, SingleElement>(x, y);
                break;
            default:
                Convert<BrainElement, BrainElement>(x, y);
                break;
        }
    }

    private void Convert<TFrom, TTo>(Tensor x, Tensor y)
        where TFrom : IElement
        where TTo : IElement
    {
        ConvertJob<TFrom, TTo> job = new((void*)x.Address, (void*)y.Address, y.Length);
        RunElements(job, y.Length);
    }

    private readonly struct ConvertJob<TFrom, TTo>(void* x, void* y, long length) : IRangeJob
        where TFrom : IElement
        where TTo : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.Convert.Run<TFrom, TTo>(x, y, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }
}
