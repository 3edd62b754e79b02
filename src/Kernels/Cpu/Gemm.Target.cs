using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <content>What sums begin with and where they go.</content>
internal sealed unsafe partial class Gemm
{
    /// <summary>Where a part's sums are: F32, the output itself or memory of ours until they are complete.</summary>
    /// <param name="sums">At the part's first row and column.</param>
    /// <param name="sumStride">Bytes from row to row.</param>
    /// <param name="output">BF16 that the last micro-kernel writes in their place, or null.</param>
    /// <param name="outputStride">Bytes from row to row.</param>
    private readonly struct Target(float* sums, long sumStride, byte* output = null, long outputStride = 0)
    {
        public float* Sums => sums;

        public long SumStride => sumStride;

        /// <summary>Whether micro-kernels read a BF16 residual and write a BF16 output themselves.</summary>
        public bool IsDirect => output != null;

        public Target From(long row) => new(
            (float*)((byte*)sums + row * sumStride), sumStride,
            output == null ? null : output + row * outputStride, outputStride);

        /// <summary>Says where tiles go.</summary>
        /// <param name="writesOutput">Whether they write the BF16 output; else the sums.</param>
        /// <returns>The part's first place there.</returns>
        public byte* Take(bool writesOutput, ref Tile tile)
        {
            tile.SetOutputType(writesOutput, writesOutput ? outputStride : sumStride);
            return writesOutput ? output : (byte*)sums;
        }
    }

    /// <summary>Whether micro-kernels may read the residual and write the output as BF16: all that comes in is summed
    /// in pairs, by at least one step from the start.</summary>
    private bool IsDirect(in Product product, ReductionBlocks blocks, Part part)
    {
        for (int index = part.FirstBlock; index < part.EndBlock; index++)
        {
            Term term = product.Term(blocks[index].Term);
            if (term.InLinks || !(term.Rows?.ArePairs(HasPairs) ?? (blocks[index].Pairs && blocks[index].Length > 0)))
                return false;
        }

        return true;
    }

    /// <summary>What the sums begin with; with more than one summand, or one to convert, the target holds it, but where
    /// micro-kernels convert and add themselves.</summary>
    private static void SetBase(in Product product, Part part, Target target, ref Tile tile)
    {
        bool staged = product.OutputType != DType.F32;
        float* bias = product.Bias == null ? null : product.Bias + part.Col;
        if (product.Residual == null)
        {
            tile.SetBase(bias, 0);
            return;
        }

        long first = part.Row * product.ResidualStride + part.Col;
        if (bias == null && !staged)
        {
            tile.SetBase((float*)product.Residual + first, product.ResidualStride * sizeof(float));
            return;
        }

        if (target.IsDirect)
        {
            tile.SetBrainBase((ushort*)product.Residual + first, product.ResidualStride * sizeof(ushort), bias);
            return;
        }

        for (long row = 0; row < part.Rows; row++)
        {
            float* sums = target.From(row).Sums;
            long offset = first + row * product.ResidualStride;
            if (staged)
                Convert.Run<BrainElement, SingleElement>((ushort*)product.Residual + offset, sums, 0, part.Cols);
            else
                Convert.Run<SingleElement, SingleElement>((float*)product.Residual + offset, sums, 0, part.Cols);
            for (long col = 0; col < part.Cols && bias != null; col++)
                sums[col] += bias[col];
        }

        tile.SetBase(target.Sums, target.SumStride);
    }
}
