namespace FastCpt.Engine.Tokenizers;

/// <summary>Counts byte strings; each is kept once, in one array.</summary>
internal sealed class WordCounter
{
    private byte[] _bytes = new byte[1 << 16];
    private int[] _starts = new int[1 << 10];       // [Count + 1]
    private long[] _counts = new long[1 << 10];
    private int[] _slots = new int[1 << 11];        // word + 1 by hash, 0 where empty
    private int _logSlots = 11;

    /// <summary>How many different words there are.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all different words together.</summary>
    public int Bytes => _starts[Count];

    public ReadOnlySpan<byte> this[int word] => _bytes.AsSpan(_starts[word], _starts[word + 1] - _starts[word]);

    public long CountOf(int word) => _counts[word];

    public void Add(ReadOnlySpan<byte> word)
    {
        ref int slot = ref Slot(word);
        if (slot > 0)
        {
            _counts[slot - 1]++;
            return;
        }
        slot = Count + 1;
        if (Count + 1 == _counts.Length)
        {
            Array.Resize(ref _starts, 2 * _starts.Length);
            Array.Resize(ref _counts, 2 * _counts.Length);
        }
        while (Bytes + word.Length > _bytes.Length)
            Array.Resize(ref _bytes, checked(2 * _bytes.Length));
        word.CopyTo(_bytes.AsSpan(Bytes));
        _counts[Count] = 1;
        _starts[Count + 1] = Bytes + word.Length;
        Count++;
        if (2 * Count > _slots.Length)
            Grow();
    }

    private ref int Slot(ReadOnlySpan<byte> word)
    {
        int mask = _slots.Length - 1;
        for (int at = (int)(PieceTable.Hash(word) >> (64 - _logSlots)); ; at = (at + 1) & mask)
        {
            ref int slot = ref _slots[at];
            if (slot == 0 || this[slot - 1].SequenceEqual(word))
                return ref slot;
        }
    }

    private void Grow()
    {
        _slots = new int[2 * _slots.Length];
        _logSlots++;
        for (int word = 0; word < Count; word++)
            Slot(this[word]) = word + 1;
    }
}
