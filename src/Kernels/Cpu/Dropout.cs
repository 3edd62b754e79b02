using System.Runtime.CompilerServices;

namespace FastCpt.Kernels.Cpu;

/// <summary>Dropout of rows; a mask is made four columns at a time, as its counters are laid out.</summary>
internal static unsafe class Dropout
{
    /// <summary>y = x · kept scale where the mask keeps, else 0, for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TElement>(
        void* x, long* rowKeys, in DropoutMask mask, void* y, long cols, long start, long end)
        where TElement : IElement
    {
        uint* numbers = stackalloc uint[4];
        float scale = (float)mask.KeptScale;
        for (long row = start; row < end; row++)
            for (long col = 0; col < cols; col += 4)
            {
                (numbers[0], numbers[1], numbers[2], numbers[3]) = mask.Numbers(rowKeys[row], col / 4);
                for (long i = 0; i < Math.Min(4, cols - col); i++)
                {
                    long at = row * cols + col + i;
                    TElement.Set(numbers[i] >= mask.Threshold ? TElement.Get(x, at) * scale : 0, y, at);
                }
            }
    }

    /// <summary>dx += dy · kept scale where the mask keeps, for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TElement>(
        void* dy, long* rowKeys, in DropoutMask mask, void* dx, long cols, long start, long end)
        where TElement : IElement
    {
        uint* numbers = stackalloc uint[4];
        float scale = (float)mask.KeptScale;
        for (long row = start; row < end; row++)
            for (long col = 0; col < cols; col += 4)
            {
                (numbers[0], numbers[1], numbers[2], numbers[3]) = mask.Numbers(rowKeys[row], col / 4);
                for (long i = 0; i < Math.Min(4, cols - col); i++)
                {
                    long at = row * cols + col + i;
                    if (numbers[i] >= mask.Threshold)
                        TElement.Set(
                            MathF.FusedMultiplyAdd(TElement.Get(dy, at), scale, TElement.Get(dx, at)), dx, at);
                }
            }
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void DropoutKernel(Tensor x, Tensor rowKeys, float rate, in DropoutKey key, Tensor y)
    {
        if (IsSingle(x))
            Dropout<SingleElement>(x, rowKeys, new DropoutMask(key, rate), y, backward: false);
        else
            Dropout<BrainElement>(x, rowKeys, new DropoutMask(key, rate), y, backward: false);
    }

    protected override void DropoutBackwardKernel(
        Tensor dy, Tensor rowKeys, float rate, in DropoutKey key, Tensor dx)
    {
        if (IsSingle(dy))
            Dropout<SingleElement>(dy, rowKeys, new DropoutMask(key, rate), dx, backward: true);
        else
            Dropout<BrainElement>(dy, rowKeys, new DropoutMask(key, rate), dx, backward: true);
    }

    private void Dropout<TElement>(Tensor from, Tensor rowKeys, in DropoutMask mask, Tensor to, bool backward)
        where TElement : IElement
    {
        DropoutJob<TElement> job = new(
            (void*)from.Address, (long*)rowKeys.Address, mask, (void*)to.Address, from.Cols, backward);
        _pool.RunRange(job, from.Rows, LeastRows(8 * from.Cols));
    }

    private readonly struct DropoutJob<TElement>(
        void* from, long* rowKeys, DropoutMask mask, void* to, long cols, bool backward) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker)
        {
            if (backward)
                Cpu.Dropout.Backward<TElement>(from, rowKeys, mask, to, cols, start, end);
            else
                Cpu.Dropout.Forward<TElement>(from, rowKeys, mask, to, cols, start, end);
        }
    }
}
