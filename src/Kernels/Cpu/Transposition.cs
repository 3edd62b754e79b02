using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>Squares of 16 lines by 16 steps, turned in registers. Only where AVX-512 is.</summary>
internal static unsafe class Transposition
{
    public const int Size = 16;

    /// <summary>target[i · stride + j] = step i of line j, in the order of i: what a row spills over, the next
    /// overwrites.</summary>
    /// <param name="places">Places of the lines from there on; steps beyond are 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TSource>(byte** lines, long step, long places, float* target, int stride)
        where TSource : IPackSource
    {
        // aj: of each four steps the j-th, lines 0 to 3; b, c and d: the next four lines each.
        Quad<TSource>(lines, step, places, out var a0, out var a1, out var a2, out var a3);
        Quad<TSource>(lines + 4, step, places, out var b0, out var b1, out var b2, out var b3);
        Quad<TSource>(lines + 8, step, places, out var c0, out var c1, out var c2, out var c3);
        Quad<TSource>(lines + 12, step, places, out var d0, out var d1, out var d2, out var d3);
        Join(ref a0, ref b0, ref c0, ref d0);
        Join(ref a1, ref b1, ref c1, ref d1);
        Join(ref a2, ref b2, ref c2, ref d2);
        Join(ref a3, ref b3, ref c3, ref d3);
        Store(a0, a1, a2, a3, target, stride);
        Store(b0, b1, b2, b3, target + 4 * stride, stride);
        Store(c0, c1, c2, c3, target + 8 * stride, stride);
        Store(d0, d1, d2, d3, target + 12 * stride, stride);
    }

    /// <summary>Four lines: result j holds, in its quarters q, step 4q + j of the lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad<TSource>(
        byte** lines, long step, long places, out Vector512<float> step0, out Vector512<float> step1,
        out Vector512<float> step2, out Vector512<float> step3)
        where TSource : IPackSource
    {
        Vector512<float> a = Load<TSource>(lines[0], step, places), b = Load<TSource>(lines[1], step, places);
        Vector512<float> c = Load<TSource>(lines[2], step, places), d = Load<TSource>(lines[3], step, places);
        Vector512<double> low0 = Avx512F.UnpackLow(a, b).AsDouble(), low1 = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> high0 = Avx512F.UnpackHigh(a, b).AsDouble(), high1 = Avx512F.UnpackHigh(c, d).AsDouble();
        step0 = Avx512F.UnpackLow(low0, low1).AsSingle();
        step1 = Avx512F.UnpackHigh(low0, low1).AsSingle();
        step2 = Avx512F.UnpackLow(high0, high1).AsSingle();
        step3 = Avx512F.UnpackHigh(high0, high1).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load<TSource>(byte* line, long step, long places)
        where TSource : IPackSource =>
        places >= Size * TSource.PlacesPerStep
            ? TSource.AlongSixteen(line, step)
            : TSource.AlongSome(line, step, (int)places);

    /// <summary>Turns four vectors of four quarters: the first becomes the first quarters of all, and so on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(
        ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        const byte Even = 0x88, Odd = 0xDD;
        Vector512<float> even0 = Avx512F.Shuffle4x128(a, b, Even), even1 = Avx512F.Shuffle4x128(c, d, Even);
        Vector512<float> odd0 = Avx512F.Shuffle4x128(a, b, Odd), odd1 = Avx512F.Shuffle4x128(c, d, Odd);
        a = Avx512F.Shuffle4x128(even0, even1, Even);
        b = Avx512F.Shuffle4x128(odd0, odd1, Even);
        c = Avx512F.Shuffle4x128(even0, even1, Odd);
        d = Avx512F.Shuffle4x128(odd0, odd1, Odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* target, int stride)
    {
        a.Store(target);
        b.Store(target + stride);
        c.Store(target + 2 * stride);
        d.Store(target + 3 * stride);
    }
}
