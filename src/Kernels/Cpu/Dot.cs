using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

internal static unsafe class Dot
{
    /// <summary>Σ (x − origin)(y − origin) over so many elements, differences and sums in double.</summary>
    /// <remarks>Two chains of 8 lanes: the halves of each group of 16 elements.</remarks>
    /// <param name="origin">Null stands for 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Run(float* x, float* y, float* origin, long count)
    {
        Vector512<double> lower = Vector512<double>.Zero, upper = lower;
        for (long i = 0; i < count; i += 16)
        {
            (Vector512<double> x0, Vector512<double> x1) = Vector512.Widen(Row.Load<SingleElement>(x, 0, i, count));
            (Vector512<double> y0, Vector512<double> y1) = Vector512.Widen(Row.Load<SingleElement>(y, 0, i, count));
            if (origin != null)
            {
                (Vector512<double> o0, Vector512<double> o1) =
                    Vector512.Widen(Row.Load<SingleElement>(origin, 0, i, count));
                (x0, x1, y0, y1) = (x0 - o0, x1 - o1, y0 - o0, y1 - o1);
            }

            lower = Vector512.FusedMultiplyAdd(x0, y0, lower);
            upper = Vector512.FusedMultiplyAdd(x1, y1, upper);
        }

        return VectorMath.Sum(lower + upper);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void DotKernel(Tensor x, Tensor y, Tensor origin, Tensor result)
    {
        long blocks = BlockSums.Blocks(x.Length);
        double* sums = (double*)WorkerScratch(0, (blocks + 1) * sizeof(double));
        _pool.RunRange(new DotJob(x, y, origin, sums), blocks, LeastSums);
        AddInOrder(sums, blocks, result);
    }

    /// <summary>Elements [first, first + count) as F32: in place, or widened into the buffer; null for none.</summary>
    private static float* Singles(Tensor tensor, long first, long count, float* buffer)
    {
        if (tensor.IsNone)
            return null;
        if (IsSingle(tensor))
            return (float*)tensor.Address + first;
        Cpu.Convert.Run<BrainElement, SingleElement>((ushort*)tensor.Address + first, buffer, 0, count);
        return buffer;
    }

    private readonly struct DotJob(Tensor x, Tensor y, Tensor origin, double* sums) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            float* widened = stackalloc float[3 * (int)BlockSums.Block];
            for (long block = start; block < end; block++)
            {
                long first = block * BlockSums.Block, count = Math.Min(BlockSums.Block, x.Length - first);
                sums[block] = Cpu.Dot.Run(
                    Singles(x, first, count, widened),
                    Singles(y, first, count, widened + BlockSums.Block),
                    Singles(origin, first, count, widened + 2 * BlockSums.Block),
                    count);
            }
        }
    }
}
