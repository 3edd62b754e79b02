using System.Runtime.CompilerServices;

namespace FastCpt.Kernels.Cpu;

internal static unsafe class Add
{
    /// <summary>z[i] = x[i] + y[i] for i in [start, end); lanes hold neighbours, the tail is masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TElement>(void* x, void* y, void* z, long start, long end)
        where TElement : IElement
    {
        long i = start;
        for (; i + 16 <= end; i += 16)
            TElement.Store(TElement.Load(x, i) + TElement.Load(y, i), z, i);
        int rest = (int)(end - i);
        if (rest > 0)
            TElement.Store(TElement.Load(x, i, rest) + TElement.Load(y, i, rest), z, i, rest);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void AddKernel(Tensor x, Tensor y, Tensor z)
    {
        if (IsSingle(z))
        {
            AddJob<SingleElement> job = new((void*)x.Address, (void*)y.Address, (void*)z.Address, z.Length);
            RunElements(job, z.Length);
        }
        else
        {
            AddJob<BrainElement> job = new((void*)x.Address, (void*)y.Address, (void*)z.Address, z.Length);
            RunElements(job, z.Length);
        }
    }

    private readonly struct AddJob<TElement>(void* x, void* y, void* z, long length) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.Add.Run<TElement>(x, y, z, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }
}
