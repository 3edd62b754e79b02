using System.Numerics;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Which two neighbours merge, in which order of preference, and into what.</summary>
internal sealed class MergeTable
{
    /// <summary>What Find says of neighbours that do not merge; larger than every merge.</summary>
    public const ulong None = ulong.MaxValue;

    private readonly Slot[] _slots;
    private readonly int _shift;

    /// <param name="capacity">The most merges that will be added.</param>
    public MergeTable(int capacity)
    {
        int log = BitOperations.Log2((uint)capacity + 1) + 2;
        _slots = new Slot[1 << log];
        _shift = 64 - log;
    }

    private struct Slot
    {
        public ulong Key;       // left + 1 above, right below; 0 where empty
        public ulong Merge;
    }

    public int Count { get; private set; }

    /// <returns>False if the pair is there already.</returns>
    public bool Add(int left, int right, int rank, int merged)
    {
        ref Slot slot = ref Find(Key(left, right));
        if (slot.Key != 0)
            return false;
        slot = new Slot { Key = Key(left, right), Merge = ((ulong)(uint)rank << 32) | (uint)merged };
        Count++;
        return true;
    }

    /// <summary>The merge of two neighbours: its rank above, the merged id in the lower 32 bits.</summary>
    public ulong Find(int left, int right)
    {
        ref Slot slot = ref Find(Key(left, right));
        return slot.Key != 0 ? slot.Merge : None;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)right;

    private ref Slot Find(ulong key)
    {
        int mask = _slots.Length - 1;
        for (int at = (int)((key * 0x9E3779B97F4A7C15) >> _shift); ; at = (at + 1) & mask)
        {
            ref Slot slot = ref _slots[at];
            if (slot.Key == 0 || slot.Key == key)
                return ref slot;
        }
    }
}
