namespace FastCpt.Engine.Tokenizers;

/// <summary>Merges neighbouring symbols, the best-ranked pair first, of equals the leftmost.</summary>
/// <remarks>
/// Short words look for the best pair by reading on; long ones keep a heap, so that n symbols take O(n log n) whatever
/// they are. Both give the same ids. Not safe for several threads: each has its own.
/// </remarks>
internal sealed class PairMerger(MergeTable merges)
{
    private const int ShortLength = 64;

    private readonly ulong[] _pairs = new ulong[ShortLength];
    private ulong[] _pairOf = [];       // by position: the merge with the next symbol
    private int[] _next = [];
    private int[] _previous = [];
    private ulong[] _heap = [];         // rank above, position below
    private int _heapCount;

    /// <summary>Merges in place.</summary>
    /// <param name="ids">Symbols; after the call the first of them are the result.</param>
    /// <returns>How many symbols are left.</returns>
    public int Merge(Span<int> ids) => ids.Length <= ShortLength ? MergeShort(ids) : MergeLong(ids);

    private int MergeShort(Span<int> ids)
    {
        int count = ids.Length;
        var pairs = _pairs.AsSpan();
        for (int k = 0; k + 1 < count; k++)
            pairs[k] = merges.Find(ids[k], ids[k + 1]);
        while (count > 1)
        {
            ulong best = MergeTable.None;
            int at = 0;
            for (int k = 0; k < count - 1; k++)
            {
                // Comparing ranks alone keeps the leftmost of equals.
                if (pairs[k] >> 32 < best >> 32)
                {
                    best = pairs[k];
                    at = k;
                }
            }
            if (best == MergeTable.None)
                break;
            ids[at] = (int)best;
            ids[(at + 2)..count].CopyTo(ids[(at + 1)..]);
            pairs[(at + 1)..(count - 1)].CopyTo(pairs[at..]);
            count--;
            if (at > 0)
                pairs[at - 1] = merges.Find(ids[at - 1], ids[at]);
            if (at + 1 < count)
                pairs[at] = merges.Find(ids[at], ids[at + 1]);
        }
        return count;
    }

    private int MergeLong(Span<int> ids)
    {
        Reserve(ids.Length);
        for (int k = 0; k < ids.Length; k++)
            (_previous[k], _next[k]) = (k - 1, k + 1);
        for (int k = 0; k < ids.Length; k++)
            AddPair(ids, k);
        while (_heapCount > 0)
        {
            ulong top = Pop();
            int at = (int)(uint)top;
            // A pair that has changed since it was queued has another rank by now, or none.
            if (_pairOf[at] == MergeTable.None || _pairOf[at] >> 32 != top >> 32)
                continue;
            int gone = _next[at], next = _next[gone];
            ids[at] = (int)_pairOf[at];
            _pairOf[gone] = MergeTable.None;
            _next[at] = next;
            if (next < ids.Length)
                _previous[next] = at;
            if (_previous[at] >= 0)
                AddPair(ids, _previous[at]);
            AddPair(ids, at);
        }
        int count = 0;
        for (int k = 0; k < ids.Length; k = _next[k])
            ids[count++] = ids[k];
        return count;
    }

    private void AddPair(Span<int> ids, int at)
    {
        _pairOf[at] = _next[at] < ids.Length ? merges.Find(ids[at], ids[_next[at]]) : MergeTable.None;
        if (_pairOf[at] != MergeTable.None)
            Push((_pairOf[at] & 0xFFFFFFFF00000000) | (uint)at);
    }

    /// <summary>Room for a word: every merge takes one symbol away and queues at most two pairs.</summary>
    private void Reserve(int length)
    {
        if (_next.Length >= length)
            return;
        _next = new int[length];
        _previous = new int[length];
        _pairOf = new ulong[length];
        _heap = new ulong[length];
    }

    private void Push(ulong item)
    {
        if (_heapCount == _heap.Length)
            Array.Resize(ref _heap, 2 * _heapCount);
        int at = _heapCount++;
        for (; at > 0; at = (at - 1) / 2)
        {
            ulong parent = _heap[(at - 1) / 2];
            if (parent <= item)
                break;
            _heap[at] = parent;
        }
        _heap[at] = item;
    }

    private ulong Pop()
    {
        ulong top = _heap[0], item = _heap[--_heapCount];
        int at = 0;
        while (true)
        {
            int child = 2 * at + 1;
            if (child >= _heapCount)
                break;
            if (child + 1 < _heapCount && _heap[child + 1] < _heap[child])
                child++;
            if (_heap[child] >= item)
                break;
            _heap[at] = _heap[child];
            at = child;
        }
        _heap[at] = item;
        return top;
    }
}
