using System.Runtime.Intrinsics;
using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

public sealed unsafe class ElementTests
{
    [Test]
    public void BrainStore_RoundsLikeBf16_ForEveryUpperHalfAndTie()
    {
        float* values = stackalloc float[16];
        ushort* stored = stackalloc ushort[16];
        uint[] lowerHalves = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF];
        for (uint upper = 0; upper <= 0xFFFF; upper += 16)
            foreach (uint lower in lowerHalves)
            {
                for (uint lane = 0; lane < 16; lane++)
                    values[lane] = BitConverter.UInt32BitsToSingle((upper + lane) << 16 | lower);
                BrainElement.Store(Vector512.Load(values), stored, 0);
                for (int lane = 0; lane < 16; lane++)
                    if (stored[lane] != Bf16.FromSingle(values[lane]))
                        Assert.Fail($"{values[lane]:R} ({upper + lane:X4}{lower:X4}) is stored as {stored[lane]:X4}.");
            }
    }

    [Test]
    public void BrainLoad_IsExact()
    {
        ushort* halves = stackalloc ushort[16];
        float* values = stackalloc float[16];
        for (int lane = 0; lane < 16; lane++)
            halves[lane] = (ushort)(0x1234 * lane + 0x00FF);
        BrainElement.Load(halves, 0).Store(values);
        for (int lane = 0; lane < 16; lane++)
            Assert.That(values[lane], Is.EqualTo(Bf16.ToSingle(halves[lane])));
    }

    [Test]
    public void PartialStore_WritesNothingBeyondItsCount([Range(0, 15)] int count)
    {
        float* singles = stackalloc float[16];
        ushort* halves = stackalloc ushort[16];
        Vector512.Create(7f).Store(singles);
        new Span<ushort>(halves, 16).Fill(7);
        SingleElement.Store(Vector512<float>.One, singles, 0, count);
        BrainElement.Store(Vector512<float>.One, halves, 0, count);
        for (int lane = 0; lane < 16; lane++)
        {
            Assert.That(singles[lane], Is.EqualTo(lane < count ? 1f : 7f));
            Assert.That(halves[lane], Is.EqualTo(lane < count ? Bf16.FromSingle(1f) : 7));
        }
    }

    [Test]
    public void PartialLoad_FillsWithZeros([Range(0, 15)] int count)
    {
        float* singles = stackalloc float[16];
        ushort* halves = stackalloc ushort[16];
        Vector512<float>.One.Store(singles);
        new Span<ushort>(halves, 16).Fill(Bf16.FromSingle(1f));
        Vector512<float> expected = Vector512.ConditionalSelect(
            Vector512.LessThan(Vector512<float>.Indices, Vector512.Create((float)count)),
            Vector512<float>.One,
            Vector512<float>.Zero);
        Assert.That(SingleElement.Load(singles, 0, count), Is.EqualTo(expected));
        Assert.That(BrainElement.Load(halves, 0, count), Is.EqualTo(expected));
    }
}
