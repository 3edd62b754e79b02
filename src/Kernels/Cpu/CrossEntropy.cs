using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>What is known of one row's logits while the vocabulary goes by.</summary>
internal struct LossRow(long row, int target)
{
    /// <summary>Place in the op's operands.</summary>
    public readonly long Row = row;

    public readonly int Target = target;

    /// <summary>Logit of the target, once it went by.</summary>
    public float TargetLogit;

    /// <summary>Largest logit so far.</summary>
    public float Max = float.NegativeInfinity;

    /// <summary>Σ exp(logit − Max) so far.</summary>
    public double Sum;

    /// <summary>log Σ exp(logit) − target's logit, in nats.</summary>
    public readonly float Loss => (float)((double)Max - TargetLogit + VectorMath.Log((float)Sum));
}

/// <summary>Softmax and cross-entropy of rows of logits, over a stretch of the vocabulary at a time.</summary>
internal static unsafe class CrossEntropy
{
    /// <summary>Pieces whose exponentials are summed together: lanes hold every 16th, the lanes are added by a tree,
    /// the blocks in order. A stretch begins at a multiple, so the order follows from the vocabulary alone.</summary>
    public const int Block = 1024;

    /// <summary>Takes logits of pieces [start, start + count) into account.</summary>
    public static void Observe(float* logits, long start, long count, ref LossRow row)
    {
        for (long first = 0; first < count; first += Block)
        {
            long end = Math.Min(first + Block, count);
            float max = Math.Max(row.Max, Max(logits, first, end));
            row.Sum = row.Sum * Exp(row.Max - max) + SumOfExponentials(logits, first, end, max);
            row.Max = max;
        }

        if (row.Target >= start && row.Target < start + count)
            row.TargetLogit = logits[row.Target - start];
    }

    /// <summary>Replaces logits of pieces [start, start + count) by gradientScale · (softmax − one-hot).</summary>
    /// <typeparam name="TElement">Type of the result, which starts at the same address.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Slopes<TElement>(
        float* logits, long start, long count, in LossRow row, float gradientScale)
        where TElement : IElement
    {
        Vector512<float> max = Vector512.Create(row.Max), scale = Vector512.Create((float)(gradientScale / row.Sum));
        long target = row.Target - start;
        for (long i = 0; i < count; i += 16)
        {
            Vector512<float> slope =
                VectorMath.Exp(Row.Load<SingleElement>(logits, 0, i, count) - max) * scale;
            if (target >= i && target < i + 16)
                slope = slope.WithElement((int)(target - i), slope[(int)(target - i)] - gradientScale);
            Row.Store<TElement>(slope, logits, 0, i, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Max(float* logits, long first, long end)
    {
        Vector512<float> max = Vector512.Create(logits[first]);
        long i = first;
        for (; i + 16 <= end; i += 16)
            max = Vector512.MaxNative(max, Vector512.Load(logits + i));
        float result = VectorMath.Max(max);
        for (; i < end; i++)
            result = MathF.Max(result, logits[i]);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SumOfExponentials(float* logits, long first, long end, float max)
    {
        Vector512<float> shift = Vector512.Create(max), sum = Vector512<float>.Zero;
        for (long i = first; i < end; i += 16)
        {
            Vector512<float> power = VectorMath.Exp(Row.Load<SingleElement>(logits, 0, i, end) - shift);
            sum += Row.Within(power, i, end);
        }

        return VectorMath.Sum(sum);
    }

    private static float Exp(float x) => VectorMath.Exp(Vector512.Create(x)).ToScalar();
}
