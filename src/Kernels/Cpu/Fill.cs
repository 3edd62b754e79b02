namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    /// <remarks>F64 too: the results of sums over whole tensors start at 0.</remarks>
    protected override void FillKernel(double value, Tensor y)
    {
        switch (y.Type)
        {
            case DType.F32:
                Fill(y, (float)value);
                break;
            case DType.BF16:
                Fill(y, Bf16.FromDouble(value));
                break;
            default:
                Fill(y, value);
                break;
        }
    }

    private void Fill<T>(Tensor y, T value)
        where T : unmanaged
    {
        FillJob<T> job = new((T*)y.Address, value, y.Length);
        RunElements(job, y.Length);
    }

    private readonly struct FillJob<T>(T* y, T value, long length) : IRangeJob
        where T : unmanaged
    {
        public void Run(long start, long end, int worker)
        {
            for (long block = start; block < end; block++)
            {
                long first = block * ElementBlock;
                new Span<T>(y + first, (int)Math.Min(ElementBlock, length - first)).Fill(value);
            }
        }
    }
}
