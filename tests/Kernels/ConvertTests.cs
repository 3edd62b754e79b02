using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class ConvertTests
{
    /// <summary>Converts activations to the weights' type.</summary>
    internal static OpCase Build(Scene s, int length)
    {
        Tensor x = s.Activation(length), y = s.Device.Empty(s.Types.Weight, new Shape(length));
        return new OpCase(() => s.Backend.Convert(x, y), Output.RoundedOnce("y", y));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Convert_RoundsOnce(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (int length in (int[])[0, 1, 15, 16, 17, 31, 33, 1000])
            Agreement.Check(backend, types, length, s => Build(s, length));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Convert_ToBrainIsNearestEvenAndKeepsNaN(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        uint[] patterns =
        [
            0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0xFF800001, 0x7FC00000, // NaN
            0x7F800000, 0xFF800000, 0x7F7FFFFF, 0xFF7FFFFF, // infinities, and what rounds to them
            0x3F800000, 0x3F808000, 0x3F818000, 0x3F808001, 0x3F817FFF, // 1, ties to even, beside ties
            0x00000000, 0x80000000, 0x00000001, 0x00008000, 0x00018000, 0x80018000, 0x007FFFFF, // zeros, subnormals
        ];
        // Each pattern in every lane and in the tail.
        foreach (int shift in Enumerable.Range(0, 17))
        {
            uint[] bits = [.. Enumerable.Repeat(0x3F800000u, shift), .. patterns];
            Tensor x = device.Empty(DType.F32, new Shape(bits.Length)), y = device.Empty(DType.BF16, x.Shape);
            backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes<uint>(bits), x);
            backend.Convert(x, y);
            byte[] bytes = device.Bytes(y);
            for (int i = shift; i < bits.Length; i++)
            {
                ushort got = BitConverter.ToUInt16(bytes, 2 * i);
                float value = BitConverter.UInt32BitsToSingle(bits[i]);
                if (float.IsNaN(value))
                    Assert.That(float.IsNaN(Bf16.ToSingle(got)), Is.True, $"{bits[i]:X8} gave {got:X4}");
                else
                    Assert.That(got, Is.EqualTo(Bf16.FromSingle(value)), $"{bits[i]:X8}");
            }
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Convert_FromBrainIsExact(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        ushort[] bits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
        Tensor x = device.Empty(DType.BF16, new Shape(65536)), y = device.Empty(DType.F32, new Shape(65536));
        backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes<ushort>(bits), x);
        backend.Convert(x, y);
        byte[] bytes = device.Bytes(y);
        for (int i = 0; i < bits.Length; i++)
        {
            float got = BitConverter.ToSingle(bytes, 4 * i), want = Bf16.ToSingle(bits[i]);
            if (!float.IsNaN(want) || !float.IsNaN(got))
                Assert.That(BitConverter.SingleToUInt32Bits(got), Is.EqualTo((uint)bits[i] << 16));
        }
    }

    [Test]
    public void Convert_OfWrongLengthsOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(4)), five = device.Empty(DType.BF16, new Shape(5));
        Assert.Throws<ArgumentException>(() => device.Backend.Convert(x, five));
        Assert.Throws<ArgumentException>(() => device.Backend.Convert(x, device.Empty(DType.I32, new Shape(4))));
        Assert.Throws<ArgumentException>(() => device.Backend.Convert(Tensor.None, x));
    }
}
