using System.Numerics;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Micro-kernels in portable vectors, for machines on which no code can be assembled.</summary>
internal sealed unsafe class ManagedKernels(LeftSide left = LeftSide.Packed)
    : MicroKernels(FullRows, 2 * Vector<float>.Count)
{
    private const int FullRows = 6;

    public override bool MasksColumns => false;

    public override void Multiply(int rowCount, int colCount, Tile* tile)
    {
        nint leftRow = left == LeftSide.InRows ? (nint)tile->LeftStride / sizeof(float) : 1;
        nint leftStep = left switch
        {
            LeftSide.InRows => 1,
            LeftSide.Across => AcrossFloats,
            _ => FullRows,
        };
        if (rowCount == FullRows)
        {
            MultiplyFull(tile, leftRow, leftStep);
            return;
        }

        for (int row = 0; row < rowCount; row++)
            MultiplyRow(tile, row, tile->Left + row * leftRow, leftStep);
    }

    // 6 rows of two vectors: 12 sums, which with two vectors of the right panel fit 16 registers.
    private static void MultiplyFull(Tile* tile, nint leftRow, nint leftStep)
    {
        Vector<float> a0 = Begin(tile, 0, 0), a1 = Begin(tile, 0, 1), b0 = Begin(tile, 1, 0), b1 = Begin(tile, 1, 1);
        Vector<float> c0 = Begin(tile, 2, 0), c1 = Begin(tile, 2, 1), d0 = Begin(tile, 3, 0), d1 = Begin(tile, 3, 1);
        Vector<float> e0 = Begin(tile, 4, 0), e1 = Begin(tile, 4, 1), f0 = Begin(tile, 5, 0), f1 = Begin(tile, 5, 1);
        float* left = tile->Left, right = tile->Right;
        for (long step = tile->Steps; step > 0; step--)
        {
            Vector<float> right0 = Vector.Load(right), right1 = Vector.Load(right + Vector<float>.Count);
            Add(left[0], right0, right1, ref a0, ref a1);
            Add(left[leftRow], right0, right1, ref b0, ref b1);
            Add(left[2 * leftRow], right0, right1, ref c0, ref c1);
            Add(left[3 * leftRow], right0, right1, ref d0, ref d1);
            Add(left[4 * leftRow], right0, right1, ref e0, ref e1);
            Add(left[5 * leftRow], right0, right1, ref f0, ref f1);
            left += leftStep;
            right += 2 * Vector<float>.Count;
        }

        End(tile, 0, a0, a1);
        End(tile, 1, b0, b1);
        End(tile, 2, c0, c1);
        End(tile, 3, d0, d1);
        End(tile, 4, e0, e1);
        End(tile, 5, f0, f1);
    }

    private static void MultiplyRow(Tile* tile, int row, float* left, nint leftStep)
    {
        Vector<float> sum0 = Begin(tile, row, 0), sum1 = Begin(tile, row, 1);
        float* right = tile->Right;
        for (long step = tile->Steps; step > 0; step--)
        {
            Add(*left, Vector.Load(right), Vector.Load(right + Vector<float>.Count), ref sum0, ref sum1);
            left += leftStep;
            right += 2 * Vector<float>.Count;
        }

        End(tile, row, sum0, sum1);
    }

    private static Vector<float> Begin(Tile* tile, int row, int half) =>
        tile->AddsLast != 0 ? Vector<float>.Zero : Base(tile, row, half);

    private static Vector<float> Base(Tile* tile, int row, int half) =>
        tile->Base == null
            ? Vector<float>.Zero
            : Vector.Load((float*)((byte*)tile->Base + row * tile->BaseStride) + half * Vector<float>.Count);

    private static void Add(
        float left, Vector<float> right0, Vector<float> right1, ref Vector<float> sum0, ref Vector<float> sum1)
    {
        Vector<float> spread = new(left);
        sum0 = Vector.FusedMultiplyAdd(spread, right0, sum0);
        sum1 = Vector.FusedMultiplyAdd(spread, right1, sum1);
    }

    private static void End(Tile* tile, int row, Vector<float> sum0, Vector<float> sum1)
    {
        if (tile->AddsLast != 0 && tile->Base != null)
        {
            sum0 += Base(tile, row, 0);
            sum1 += Base(tile, row, 1);
        }

        float* output = (float*)((byte*)tile->Output + row * tile->OutputStride);
        sum0.Store(output);
        sum1.Store(output + Vector<float>.Count);
    }
}
