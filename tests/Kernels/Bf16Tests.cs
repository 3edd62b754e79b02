using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels;

public sealed class Bf16Tests
{
    [Test]
    public void Bf16_RoundTripsEveryPattern()
    {
        for (int i = 0; i < 65536; i++)
        {
            float value = Bf16.ToSingle((ushort)i);
            if (float.IsNaN(value))
                Assert.That(float.IsNaN(Bf16.ToSingle(Bf16.FromSingle(value))), Is.True, $"{i:X4}");
            else
                Assert.That(Bf16.FromSingle(value), Is.EqualTo(i), $"{i:X4}");
        }
    }

    [TestCase(0x7FFFFFFFu, 0x7FFF)]
    [TestCase(0xFFFFFFFFu, 0xFFFF)]
    [TestCase(0x7F800001u, 0x7FC0)]
    [TestCase(0xFF800001u, 0xFFC0)]
    public void Bf16_OfNaNIsNaN(uint bits, int expected)
    {
        Assert.That(Bf16.FromSingle(BitConverter.UInt32BitsToSingle(bits)), Is.EqualTo(expected));
        Assert.That(float.IsNaN(Bf16.ToSingle((ushort)expected)), Is.True);
        Assert.That(float.IsNaN(Bf16.ToSingle(Bf16.FromDouble(double.NaN))), Is.True);
    }

    [Test]
    public void Bf16_RoundsToTheNearestOfItsNeighbours()
    {
        // Between every two neighbours: the middle goes to the even one, anything beside it to the nearer one.
        for (int i = 0; i < 0x7F80; i++)
        {
            double low = Bf16.ToSingle((ushort)i);
            double high = i + 1 == 0x7F80 ? Math.Pow(2, 128) : Bf16.ToSingle((ushort)(i + 1));
            double middle = (low + high) / 2;
            int even = i % 2 == 0 ? i : i + 1;
            Assert.That(Bf16.FromDouble(middle), Is.EqualTo(even), $"{i:X4}");
            Assert.That(Bf16.FromDouble(Math.BitDecrement(middle)), Is.EqualTo(i), $"below it after {i:X4}");
            Assert.That(Bf16.FromDouble(Math.BitIncrement(middle)), Is.EqualTo(i + 1), $"above it after {i:X4}");
            Assert.That(Bf16.FromDouble(-Math.BitIncrement(middle)), Is.EqualTo(0x8000 | i + 1), $"-{i:X4}");
            Assert.That(Bf16.FromSingle((float)middle), Is.EqualTo(even), $"{i:X4} from float32");
        }
    }

    [Test]
    public void Bf16_OfDoublesOutOfRangeIsInfiniteOrZero()
    {
        Assert.That(Bf16.FromDouble(1e300), Is.EqualTo(0x7F80));
        Assert.That(Bf16.FromDouble(double.NegativeInfinity), Is.EqualTo(0xFF80));
        Assert.That(Bf16.FromDouble(1e-300), Is.EqualTo(0));
        Assert.That(Bf16.FromDouble(-1e-300), Is.EqualTo(0x8000));
        Assert.That(Bf16.FromDouble(-0.0), Is.EqualTo(0x8000));
    }
}
