namespace FastCpt.Kernels.Cpu;

/// <summary>Sums over a whole tensor in double: fixed blocks of elements, then the blocks in order.</summary>
internal static class BlockSums
{
    /// <summary>Elements of a block: what one worker sums, held in its nearest cache.</summary>
    public const long Block = 2048;

    public static long Blocks(long length) => (length + Block - 1) / Block;
}

public sealed unsafe partial class CpuBackend
{
    /// <summary>Blocks that are worth a worker.</summary>
    private const long LeastSums = 8;

    /// <summary>result += sums[0] + sums[1] + …, in order.</summary>
    private static void AddInOrder(double* sums, long count, Tensor result)
    {
        double total = 0;
        for (long i = 0; i < count; i++)
            total += sums[i];
        *(double*)result.Address += total;
    }
}
