using System.Buffers.Binary;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>What replaces what in text, as SentencePiece precompiles it: a Darts trie, a pool of strings.</summary>
/// <remarks>
/// The blob is the size of the trie in bytes (uint32), its units (uint32), then strings that end with a zero byte; the
/// value of a key is where its string starts. A unit has its label in bits 0 to 7 and 31, whether a leaf is under it in
/// bit 8, and the distance to its children in bits 10 to 30 (times 256 if bit 9 is set); all numbers little-endian.
/// Every step is checked when it is made: a trie from a hostile file leads nowhere but to a refusal.
/// </remarks>
internal sealed class CharacterMap
{
    private readonly uint[] _units;
    private readonly byte[] _pool;
    private readonly string _source;

    /// <exception cref="RunException">Sizes disagree, or the last string has no end.</exception>
    public CharacterMap(ReadOnlySpan<byte> blob, string source)
    {
        _source = source;
        if (blob.Length <= 4)
            throw Refuse($"is {blob.Length} bytes, too short for a trie");
        uint trieBytes = BinaryPrimitives.ReadUInt32LittleEndian(blob);
        blob = blob[4..];
        if (trieBytes < 4 || trieBytes % 4 != 0 || trieBytes >= (uint)blob.Length)
            throw Refuse($"has a trie of {trieBytes} bytes, expected a multiple of 4 below {blob.Length}");
        _units = new uint[trieBytes / 4];
        for (int k = 0; k < _units.Length; k++)
            _units[k] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 * k)..]);
        _pool = blob[(int)trieBytes..].ToArray();
        if (_pool[^1] != 0)
            throw Refuse("has strings of which the last does not end with a zero byte");
        if (Offset(_units[0]) >= (uint)_units.Length)
            throw Refuse("has a trie whose root leads outside of it");
    }

    /// <summary>The longest key that the text begins with, as SentencePiece looks it up.</summary>
    /// <param name="replacement">What stands for it; not written if there is none.</param>
    /// <returns>The length of the key in bytes, or 0.</returns>
    public int Longest(ReadOnlySpan<byte> text, ref ReadOnlySpan<byte> replacement)
    {
        int found = 0, value = -1;
        uint node = Offset(_units[0]);
        for (int k = 0; k < text.Length && Step(ref node, text[k], out int leaf); k++)
            if (leaf >= 0)
                (found, value) = (k + 1, leaf);
        if (found > 0)
            replacement = Replacement(value);
        return found;
    }

    /// <summary>The shortest key that the text begins with, as the Rust port looks it up.</summary>
    public int Shortest(ReadOnlySpan<byte> text, ref ReadOnlySpan<byte> replacement)
    {
        uint node = Offset(_units[0]);
        for (int k = 0; k < text.Length && text[k] != 0 && Step(ref node, text[k], out int leaf); k++)
        {
            if (leaf < 0)
                continue;
            replacement = Replacement(leaf);
            return k + 1;
        }
        return 0;
    }

    /// <summary>Follows one byte from the place of a node's children.</summary>
    private bool Step(ref uint node, byte label, out int leaf)
    {
        leaf = -1;
        node ^= label;
        uint unit = Unit(node);
        if ((unit & 0x800000FF) != label)
            return false;
        node ^= Offset(unit);
        if ((unit & 0x100) != 0)
            leaf = (int)(Unit(node) & 0x7FFFFFFF);
        return true;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);

    private uint Unit(uint index) => index < (uint)_units.Length
        ? _units[index]
        : throw Refuse($"has a trie that leads to unit {index} of {_units.Length}");

    private ReadOnlySpan<byte> Replacement(int start)
    {
        if (start >= _pool.Length)
            throw Refuse($"has a trie that names the string at {start} of {_pool.Length} bytes");
        var rest = _pool.AsSpan(start);
        return rest[..rest.IndexOf((byte)0)];
    }

    private RunException Refuse(string what) =>
        new(ExitCode.ModelFile, $"{_source}: the precompiled character map {what}.");
}
