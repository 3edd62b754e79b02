namespace FastCpt.Kernels.Platform;

/// <summary>What a random number is for; numbers of different streams are independent under one seed.</summary>
public enum RandomStream : uint
{
    Initialization = 1,
    Split = 2,
    Shuffle = 3,
    Mixture = 4,
    Dropout = 5,
    Sampling = 6,
    Masking = 7,
}

/// <summary>Counter-based random numbers, Philox 4x32 with 10 rounds.</summary>
/// <remarks>
/// A number is a pure function of (seed, stream, counter): no state, so nothing to save, and the same bits at any
/// thread count. Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
/// </remarks>
public static class Philox
{
    internal const int Rounds = 10;
    internal const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    internal const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>Four 32-bit numbers of the block cipher for a raw key and counter.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block(
        uint key0, uint key1, uint counter0, uint counter1, uint counter2, uint counter3)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * counter0, product1 = (ulong)Multiplier1 * counter2;
            counter0 = (uint)(product1 >> 32) ^ counter1 ^ key0;
            counter1 = (uint)product1;
            counter2 = (uint)(product0 >> 32) ^ counter3 ^ key1;
            counter3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return (counter0, counter1, counter2, counter3);
    }

    /// <summary>A 64-bit number for the place (high, low) in a stream of a seed.</summary>
    public static ulong Bits(ulong seed, RandomStream stream, ulong high, ulong low)
    {
        (uint key0, uint key1) = Key(seed, stream);
        var (x0, x1, _, _) = Block(key0, key1, (uint)low, (uint)(low >> 32), (uint)high, (uint)(high >> 32));
        return (ulong)x1 << 32 | x0;
    }

    /// <summary>
    /// A number in [0, bound) without bias: the widening product, redrawn in its short range (Lemire 2019).
    /// </summary>
    public static ulong Below(ulong bound, ulong seed, RandomStream stream, ulong high, ulong low)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bound);
        (uint key0, uint key1) = Key(seed, stream);
        ulong limit = (0 - bound) % bound;
        // Redraws feed the block back in, so that they need no counter of their own.
        var (x0, x1, x2, x3) = Block(key0, key1, (uint)low, (uint)(low >> 32), (uint)high, (uint)(high >> 32));
        while (true)
        {
            ulong product = Math.BigMul((ulong)x1 << 32 | x0, bound, out ulong fraction);
            if (fraction >= limit)
                return product;
            (x0, x1, x2, x3) = Block(key0, key1, x0, x1, x2, x3);
        }
    }

    /// <summary>A double in [0, 1) with 53 random bits.</summary>
    public static double Uniform(ulong seed, RandomStream stream, ulong high, ulong low) =>
        (Bits(seed, stream, high, low) >> 11) * (1.0 / (1UL << 53));

    /// <summary>A standard normal number (Box and Muller 1958), from one block.</summary>
    public static double Normal(ulong seed, RandomStream stream, ulong high, ulong low)
    {
        (uint key0, uint key1) = Key(seed, stream);
        var (x0, x1, x2, x3) = Block(key0, key1, (uint)low, (uint)(low >> 32), (uint)high, (uint)(high >> 32));
        double radius = ((((ulong)x1 << 32 | x0) >> 11) + 1) * (1.0 / (1UL << 53)); // (0, 1]: its logarithm is finite
        double angle = (((ulong)x3 << 32 | x2) >> 11) * (2 * Math.PI / (1UL << 53));
        return Math.Sqrt(-2 * Math.Log(radius)) * Math.Cos(angle);
    }

    /// <summary>Key of a stream: the seed, mixed with the stream by one block.</summary>
    public static (uint Key0, uint Key1) Key(ulong seed, RandomStream stream)
    {
        var (x0, x1, _, _) = Block((uint)seed, (uint)(seed >> 32), (uint)stream, 0x46435054, 0, 0);
        return (x0, x1);
    }
}
