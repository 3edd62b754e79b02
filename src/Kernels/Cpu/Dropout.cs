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

    /// <summary>The same with a counter per lane. Counters are dealt so that transposing four by four inside quarters
    /// of the vectors leaves columns in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DrawWide(in DropoutMask mask, long rowKey, long quad, int head, uint* numbers)
    {
        Vector512<uint> x0 = Vector512.Create((uint)quad)
            + Vector512.Create(0u, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        Vector512<uint> x1 = Vector512.Create((uint)head), x2 = Vector512.Create((uint)rowKey);
        Vector512<uint> x3 = Vector512.Create((uint)((ulong)rowKey >> 32));
        uint key0 = mask.Key0, key1 = mask.Key1;
        for (int round = 0; round < Philox.Rounds; round++)
        {
            Multiply(x0, Philox.Multiplier0, out Vector512<uint> high0, out Vector512<uint> low0);
            Multiply(x2, Philox.Multiplier1, out Vector512<uint> high1, out Vector512<uint> low1);
            x0 = high1 ^ x1 ^ Vector512.Create(key0);
            x2 = high0 ^ x3 ^ Vector512.Create(key1);
            (x1, x3) = (low1, low0);
            key0 += Philox.Weyl0;
            key1 += Philox.Weyl1;
        }

        Vector512<ulong> lower01 = Avx512F.UnpackLow(x0, x1).AsUInt64();
        Vector512<ulong> lower23 = Avx512F.UnpackLow(x2, x3).AsUInt64();
        Vector512<ulong> upper01 = Avx512F.UnpackHigh(x0, x1).AsUInt64();
        Vector512<ulong> upper23 = Avx512F.UnpackHigh(x2, x3).AsUInt64();
        Avx512F.UnpackLow(lower01, lower23).AsUInt32().Store(numbers);
        Avx512F.UnpackHigh(lower01, lower23).AsUInt32().Store(numbers + 16);
        Avx512F.UnpackLow(upper01, upper23).AsUInt32().Store(numbers + 32);
        Avx512F.UnpackHigh(upper01, upper23).AsUInt32().Store(numbers + 48);
    }

    /// <summary>Upper and lower halves of the products of 16 numbers with one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(Vector512<uint> x, uint factor, out Vector512<uint> high, out Vector512<uint> low)
    {
        Vector512<uint> factors = Vector512.Create(factor);
        Vector512<ulong> even = Avx512F.Multiply(x, factors);
        Vector512<ulong> odd = Avx512F.Multiply(Vector512.ShiftRightLogical(x.AsUInt64(), 32).AsUInt32(), factors);
        Vector512<uint> odds = Vector512.Create(0xFFFFFFFF_00000000UL).AsUInt32();
        high = Vector512.ConditionalSelect(
            odds, odd.AsUInt32(), Vector512.ShiftRightLogical(even, 32).AsUInt32());
        low = Vector512.ConditionalSelect(odds, Vector512.ShiftLeft(odd, 32).AsUInt32(), even.AsUInt32());
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
