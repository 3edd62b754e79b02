using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>The first of 16 lanes of two bytes, at the end of a row; memory behind them is not touched.</summary>
internal static unsafe class ShortLanes
{
    /// <returns>Lanes from count on are 0.</returns>
    public static Vector256<ushort> Load(ushort* start, int count)
    {
        if (Avx512BW.VL.IsSupported)
            return Avx512BW.VL.MaskLoad(start, Below(count), Vector256<ushort>.Zero);
        ushort* lanes = stackalloc ushort[16];
        Vector256<ushort>.Zero.Store(lanes);
        for (int lane = 0; lane < count; lane++)
            lanes[lane] = start[lane];
        return Vector256.Load(lanes);
    }

    public static void Store(Vector256<ushort> value, ushort* start, int count)
    {
        if (Avx512BW.VL.IsSupported)
        {
            Avx512BW.VL.MaskStore(start, Below(count), value);
            return;
        }

        ushort* lanes = stackalloc ushort[16];
        value.Store(lanes);
        for (int lane = 0; lane < count; lane++)
            start[lane] = lanes[lane];
    }

    private static Vector256<ushort> Below(int count) =>
        Vector256.LessThan(Vector256<ushort>.Indices, Vector256.Create((ushort)count));
}
