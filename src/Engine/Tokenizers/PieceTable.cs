using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FastCpt.Engine.Tokenizers;

/// <summary>The bytes of every id, and the id of some bytes; ids may have gaps, which hold no bytes.</summary>
internal sealed class PieceTable
{
    // Nobody can write a file whose pieces all fall into one slot. No result depends on it.
    private static readonly ulong Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    private readonly byte[] _bytes;
    private readonly int[] _starts;     // [Count + 1]
    private readonly int[] _slots;      // id + 1 by hash, 0 where empty
    private readonly int _shift;

    /// <param name="pieces">Bytes by id; null or empty is a gap. No two may be equal.</param>
    /// <exception cref="ArgumentException">Two pieces are equal; the message is the two ids.</exception>
    public PieceTable(IReadOnlyList<byte[]?> pieces)
    {
        _starts = new int[pieces.Count + 1];
        for (int id = 0; id < pieces.Count; id++)
            _starts[id + 1] = checked(_starts[id] + (pieces[id]?.Length ?? 0));
        _bytes = new byte[_starts[^1]];
        int log = Math.Max(4, BitOperations.Log2((uint)pieces.Count + 1) + 2);
        _slots = new int[1 << log];
        _shift = 64 - log;
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id] is not { Length: > 0 } piece)
                continue;
            piece.CopyTo(_bytes, _starts[id]);
            ref int slot = ref Slot(piece);
            if (slot != 0)
                throw new ArgumentException($"{slot - 1} and {id}");
            slot = id + 1;
        }
    }

    public int Count => _starts.Length - 1;

    /// <summary>The bytes of an id; none for a gap.</summary>
    public ReadOnlySpan<byte> this[int id] => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>The id of these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> piece) => piece.IsEmpty ? -1 : Slot(piece) - 1;

    /// <summary>A hash of bytes; the upper bits are the best ones.</summary>
    public static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        const ulong odd = 0x9E3779B97F4A7C15;
        ulong hash = Seed ^ ((ulong)bytes.Length * odd);
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(bytes));
        ulong rest = 0;
        for (int k = 0; k < bytes.Length; k++)
            rest |= (ulong)bytes[k] << (8 * k);
        return Mix(hash ^ rest) * odd;

        static ulong Mix(ulong value)
        {
            value *= odd;
            return value ^ (value >> 32);
        }
    }

    private ref int Slot(ReadOnlySpan<byte> piece)
    {
        int mask = _slots.Length - 1;
        for (int at = (int)(Hash(piece) >> _shift); ; at = (at + 1) & mask)
        {
            ref int slot = ref _slots[at];
            if (slot == 0 || this[slot - 1].SequenceEqual(piece))
                return ref slot;
        }
    }
}
