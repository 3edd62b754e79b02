using System.Numerics;
using FastCpt.Kernels.Platform;

namespace FastCpt.Engine.Data;

/// <summary>A random order of the numbers below a count, of which any place is known without the others.</summary>
/// <remarks>
/// A balanced Feistel network over the smallest power of four that holds the count, with Philox as its round function;
/// a result beyond the count goes through it again (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
/// </remarks>
public readonly struct Permutation
{
    private const int RoundCount = 8;
    private const int MaxHalfBits = 28;

    private readonly ulong _seed, _epoch, _part;
    private readonly long _count;
    private readonly int _halfBits;

    /// <param name="count">From 1 to 2⁵⁶.</param>
    /// <param name="part">Parts of one seed have orders of their own, and so have epochs.</param>
    public Permutation(long count, ulong seed, int part, long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1L << (2 * MaxHalfBits));
        (_count, _seed, _part, _epoch) = (count, seed, (uint)part, (ulong)epoch);
        int bits = 64 - BitOperations.LeadingZeroCount((ulong)(count - 1));
        _halfBits = Math.Max(1, (bits + 1) / 2);
    }

    /// <summary>The number at a place.</summary>
    public long At(long place)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(place);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(place, _count);
        do
            place = Scramble(place);
        while (place >= _count);
        return place;
    }

    private long Scramble(long value)
    {
        ulong mask = (1UL << _halfBits) - 1;
        ulong left = (ulong)value >> _halfBits, right = (ulong)value & mask;
        for (uint round = 0; round < RoundCount; round++)
        {
            ulong counter = (_part << 32) | (round << MaxHalfBits) | right;
            (left, right) = (right, (left ^ Philox.Bits(_seed, RandomStream.Shuffle, _epoch, counter)) & mask);
        }

        return (long)(left << _halfBits | right);
    }
}
