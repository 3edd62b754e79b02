using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels;

/// <summary>Sums of stored numbers against the scalar line: widen, multiply, add in order, divide, round.</summary>
public sealed class StoredSumTests
{
    private static readonly DType[] Types = [DType.F32, DType.BF16, DType.F16];

    private static readonly int[] Lengths = [0, 1, 7, 15, 16, 17, 31, 33, 1000, 65_537];

    [Test]
    public void StoredSum_HasTheBitsOfTheScalarLine(
        [ValueSource(nameof(Types))] DType type, [Values(1.0, 3.0, 5.0)] double divisor, [Values(1, 2, 5)] int terms)
    {
        double[] weights = [.. Enumerable.Range(0, terms).Select(term => divisor == 1 ? 0.3 - term : 1.0)];
        foreach (int length in Lengths)
        {
            var random = new Random(length + terms);
            byte[][] xs = [.. Enumerable.Range(0, terms).Select(_ => Drawn(type, length, random))];
            AssertScalar(type, xs, weights, divisor, $"{length} numbers");
        }
    }

    // Every pattern of 16 bits, and of F32 as many that reach every exponent: zeros, subnormals, ties, infinities.
    [Test]
    public void StoredSum_HasTheScalarBitsOfEveryPattern(
        [ValueSource(nameof(Types))] DType type, [Values(1.0, 3.0, -7.0, 1e-9, 1e12)] double divisor)
    {
        ushort[] patterns = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];
        ushort[] others = [.. patterns.Select(i => (ushort)(i * 40_503))];
        byte[] x = Bytes(patterns), y = Bytes(others);
        AssertScalar(type, [x], [1], divisor, "alone");
        AssertScalar(type, [x], [0.7], divisor, "weighted");
        byte[] finite = Bytes([.. others.Select(bits => IsFinite(type, bits) ? bits : (ushort)1)]);
        AssertScalar(type, [x, finite], [0.25, 0.75], divisor, "with another");
        if (type == DType.F32)
            return;
        AssertScalar(type, [y, finite], [1, 1], divisor, "shuffled");

        byte[] Bytes(ushort[] bits) => type == DType.F32
            ? MemoryMarshal.AsBytes<uint>(Array.ConvertAll(bits, b => (uint)b << 16 | b)).ToArray()
            : MemoryMarshal.AsBytes<ushort>(bits).ToArray();
    }

    [Test]
    public void StoredSum_MayOverwriteATerm([ValueSource(nameof(Types))] DType type)
    {
        byte[] x = Drawn(type, 1001, new Random(1)), y = Drawn(type, 1001, new Random(2));
        byte[] expected = new byte[x.Length];
        StoredSum.Run(type, [x, y], [0.5, 0.25], 1, expected);
        StoredSum.Run(type, [x, y], [0.5, 0.25], 1, y);
        Assert.That(y, Is.EqualTo(expected));
    }

    [Test]
    public void StoredSum_RefusesWhatDoesNotFit()
    {
        byte[] x = new byte[8], y = new byte[12];
        Assert.Throws<ArgumentException>(() => StoredSum.Run(DType.F32, [x, x], [1, 1], 2, y));
        Assert.Throws<ArgumentException>(() => StoredSum.Run(DType.F32, [y, y], [1], 2, x));
        Assert.Throws<ArgumentException>(() => StoredSum.Run(DType.F32, [], [], 2, x));
        Assert.Throws<ArgumentException>(() => StoredSum.Run(DType.F64, [y], [1], 2, x));
    }

    private static void AssertScalar(DType type, byte[][] xs, double[] weights, double divisor, string what)
    {
        var sums = new double[xs[0].Length / type.Size()];
        sums.AsSpan().Fill(-0.0);
        for (int term = 0; term < xs.Length; term++)
            StoredNumbers.Add(type, xs[term], weights[term], sums);
        byte[] expected = new byte[xs[0].Length], y = new byte[xs[0].Length];
        StoredNumbers.Round(type, sums, divisor, expected);
        StoredSum.Run(type, [.. xs.Select(x => new ReadOnlyMemory<byte>(x))], weights, divisor, y);
        int at = y.AsSpan().CommonPrefixLength(expected);
        Assert.That(at, Is.EqualTo(y.Length), () =>
            $"{what}: number {at / type.Size()}, sum {sums[at / type.Size()]:R} / {divisor}, "
            + $"{Hex(y)} for {Hex(expected)} of {Hex(xs[0])}");

        string Hex(byte[] bytes) => Convert.ToHexString(bytes, at / type.Size() * type.Size(), type.Size());
    }

    private static byte[] Drawn(DType type, int length, Random random)
    {
        var bytes = new byte[length * type.Size()];
        for (int i = 0; i < length; i++)
        {
            Span<byte> at = bytes.AsSpan(i * type.Size());
            double value = (random.NextDouble() - 0.5) / 16;
            if (type == DType.F32)
                BitConverter.TryWriteBytes(at, (float)value);
            else
                BitConverter.TryWriteBytes(at, type == DType.BF16
                    ? Bf16.FromDouble(value)
                    : BitConverter.HalfToUInt16Bits((Half)value));
        }
        return bytes;
    }

    private static bool IsFinite(DType type, ushort bits) => type == DType.F16
        ? Half.IsFinite(BitConverter.UInt16BitsToHalf(bits))
        : float.IsFinite(Bf16.ToSingle(bits));
}
