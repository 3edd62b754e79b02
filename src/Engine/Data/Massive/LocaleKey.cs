using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FastCpt.Kernels.Platform;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Numbers that randomness is keyed by: of a locale alone, whichever others are trained.</summary>
public static class LocaleKey
{
    /// <summary>Rows of a locale fit so many bits; positions within a sentence may take as many again.</summary>
    private const int RowBits = 20, LocaleBits = 22;

    /// <summary>A number that every epoch and batch knows a sentence by.</summary>
    /// <param name="row">Of the locale's file, below <see cref="MassiveFile.MaxRows"/>.</param>
    public static long Sample(string locale, int row) =>
        (long)(Hash(locale) >> (64 - LocaleBits)) << RowBits | (uint)row;

    /// <summary>The seed of the shuffle of one locale, or of several that are shuffled together.</summary>
    public static ulong ShuffleSeed(ulong seed, IEnumerable<string> locales) =>
        Philox.Bits(seed, RandomStream.Shuffle, Hash(string.Join(' ', locales)), 0);

    /// <summary>The seed of what a locale's adapter starts with.</summary>
    public static ulong StartSeed(ulong seed, string locale) =>
        Philox.Bits(seed, RandomStream.Initialization, Hash(locale), 0);

    private static ulong Hash(string text) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
