using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu;

/// <summary>Dropout of rows, 64 columns at a time: the numbers of 16 counters, which are four columns each.</summary>
internal static unsafe class Dropout
{
    /// <summary>Columns that are drawn at a time.</summary>
    public const int Cols = 64;

    /// <summary>y = x · kept scale where the mask keeps, else 0, for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TElement>(
        void* x, long* rowKeys, in DropoutMask mask, void* y, long cols, long start, long end)
        where TElement : struct, IElement
    {
        uint* numbers = stackalloc uint[Cols];
        Vector512<uint> threshold = Vector512.Create(mask.Threshold);
        Vector512<float> scale = Vector512.Create((float)mask.KeptScale);
        for (long row = start; row < end; row++)
            for (long first = 0; first < cols; first += Cols)
            {
                Draw(mask, rowKeys[row], first / 4, head: 0, numbers);
                for (long col = first; col < Math.Min(first + Cols, cols); col += 16)
                {
                    Vector512<float> kept = Kept(numbers + (col - first), threshold);
                    Vector512<float> value = Row.Load<TElement>(x, row * cols, col, cols) * scale;
                    value = Vector512.ConditionalSelect(kept, value, Vector512<float>.Zero);
                    Row.Store<TElement>(value, y, row * cols, col, cols);
                }
            }
    }

    /// <summary>dx += dy · kept scale where the mask keeps, for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TElement>(
        void* dy, long* rowKeys, in DropoutMask mask, void* dx, long cols, long start, long end)
        where TElement : struct, IElement
    {
        uint* numbers = stackalloc uint[Cols];
        Vector512<uint> threshold = Vector512.Create(mask.Threshold);
        Vector512<float> scale = Vector512.Create((float)mask.KeptScale);
        for (long row = start; row < end; row++)
            for (long first = 0; first < cols; first += Cols)
            {
                Draw(mask, rowKeys[row], first / 4, head: 0, numbers);
                for (long col = first; col < Math.Min(first + Cols, cols); col += 16)
                {
                    Vector512<float> kept = Kept(numbers + (col - first), threshold);
                    Vector512<float> before = Row.Load<TElement>(dx, row * cols, col, cols);
                    Vector512<float> after = Vector512.FusedMultiplyAdd(
                        Row.Load<TElement>(dy, row * cols, col, cols), scale, before);
                    Row.Store<TElement>(
                        Vector512.ConditionalSelect(kept, after, before), dx, row * cols, col, cols);
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Kept(uint* numbers, Vector512<uint> threshold) =>
        Vector512.GreaterThanOrEqual(Vector512.Load(numbers), threshold).AsSingle();

    /// <summary>The numbers of columns 4 · quad to 4 · quad + 63 of a row.</summary>
    /// <param name="numbers">[64], overwritten.</param>
    public static void Draw(in DropoutMask mask, long rowKey, long quad, int head, uint* numbers)
    {
        if (Avx512F.IsSupported)
        {
            DrawWide(mask, rowKey, quad, head, numbers);
            return;
        }

        for (int i = 0; i < Cols; i += 4)
            (numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]) = mask.Numbers(rowKey, quad + i / 4, head);
    }

    /// <summary>The same with a counter per 64-bit lane, whose upper half never counts: products are as wide, and what
    /// is carried on of them needs no masking.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DrawWide(in DropoutMask mask, long rowKey, long quad, int head, uint* numbers)
    {
        // So dealt, counters are in order when pairs of numbers are unpacked.
        Vector512<ulong> a0 = Vector512.Create((ulong)quad) + Vector512.Create(0ul, 4, 1, 5, 2, 6, 3, 7);
        Vector512<ulong> b0 = a0 + Vector512.Create(8ul);
        Vector512<ulong> a1 = Vector512.Create((ulong)head), b1 = a1;
        Vector512<ulong> a2 = Vector512.Create((ulong)rowKey), b2 = a2;
        Vector512<ulong> a3 = a2 >>> 32, b3 = a3;
        Vector512<uint> key0 = Vector512.Create(mask.Key0), key1 = Vector512.Create(mask.Key1);
        for (int round = 0; round < Philox.Rounds; round++)
        {
            Round(ref a0, ref a1, ref a2, ref a3, key0.AsUInt64(), key1.AsUInt64());
            Round(ref b0, ref b1, ref b2, ref b3, key0.AsUInt64(), key1.AsUInt64());
            key0 += Vector512.Create(Philox.Weyl0);
            key1 += Vector512.Create(Philox.Weyl1);
        }

        Store(a0, a1, a2, a3, numbers);
        Store(b0, b1, b2, b3, numbers + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector512<ulong> x0, ref Vector512<ulong> x1, ref Vector512<ulong> x2, ref Vector512<ulong> x3,
        Vector512<ulong> key0, Vector512<ulong> key1)
    {
        Vector512<ulong> product0 = Avx512F.Multiply(x0.AsUInt32(), Vector512.Create(Philox.Multiplier0));
        Vector512<ulong> product1 = Avx512F.Multiply(x2.AsUInt32(), Vector512.Create(Philox.Multiplier1));
        x0 = (product1 >>> 32) ^ x1 ^ key0;
        x2 = (product0 >>> 32) ^ x3 ^ key1;
        (x1, x3) = (product1, product0);
    }

    /// <summary>The numbers of eight counters, four of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        Vector512<ulong> x0, Vector512<ulong> x1, Vector512<ulong> x2, Vector512<ulong> x3, uint* numbers)
    {
        Vector512<ulong> lower = Vector512.Create(0xFFFFFFFFul);
        Vector512<ulong> first = Vector512.ConditionalSelect(lower, x0, x1 << 32);
        Vector512<ulong> second = Vector512.ConditionalSelect(lower, x2, x3 << 32);
        Avx512F.UnpackLow(first, second).AsUInt32().Store(numbers);
        Avx512F.UnpackHigh(first, second).AsUInt32().Store(numbers + 16);
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
        where TElement : struct, IElement
    {
        DropoutJob<TElement> job = new(
            (void*)from.Address, (long*)rowKeys.Address, mask, (void*)to.Address, from.Cols, backward);
        _pool.RunRange(job, from.Rows, LeastRows(8 * from.Cols));
    }

    private readonly struct DropoutJob<TElement>(
        void* from, long* rowKeys, DropoutMask mask, void* to, long cols, bool backward) : IRangeJob
        where TElement : struct, IElement
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
