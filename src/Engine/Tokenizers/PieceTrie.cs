namespace FastCpt.Engine.Tokenizers;

/// <summary>A double-array trie over byte strings: which of them begin here, in one array read per byte.</summary>
/// <remarks>
/// The child of a node under byte b is the unit at Base + b whose Parent is the node. Aoe 1989. Built from our own
/// lists, so that its units need no checks of their own when it is read.
/// </remarks>
internal sealed class PieceTrie
{
    private const int Free = -1;
    private const int MaxTries = 1024;

    private Unit[] _units = [];
    private int _firstFree = 1;     // No free unit is before it.

    /// <param name="keys">Distinct, not empty; the value of a key is its index. Null is a gap.</param>
    public PieceTrie(IReadOnlyList<byte[]?> keys)
    {
        var order = new int[keys.Count];
        int count = 0;
        for (int k = 0; k < keys.Count; k++)
            if (keys[k] is { Length: > 0 })
                order[count++] = k;
        Array.Sort(order, 0, count, Comparer<int>.Create((a, b) => keys[a].AsSpan().SequenceCompareTo(keys[b])));
        Grow(1024);
        _units[0].Parent = 0;
        Build(keys, order.AsSpan(0, count));
    }

    private struct Unit
    {
        public int Base;
        public int Parent;      // Free where unused; the root is its own parent.
        public int Value;       // -1 where no key ends.
    }

    /// <summary>Follows one byte; the root is node 0.</summary>
    /// <returns>False if no key goes on so; the node is unchanged then.</returns>
    public bool Step(ref int node, byte b, out int value)
    {
        int child = _units[node].Base + b;
        ref readonly Unit unit = ref _units[child];
        value = unit.Value;
        if (unit.Parent != node || child == 0)
            return false;
        node = child;
        return true;
    }

    /// <summary>The longest key that the text begins with: its value, or -1, and its length in bytes.</summary>
    public int LongestPrefix(ReadOnlySpan<byte> text, out int length)
    {
        int node = 0, found = -1;
        length = 0;
        for (int k = 0; k < text.Length && Step(ref node, text[k], out int value); k++)
            if (value >= 0)
                (found, length) = (value, k + 1);
        return found;
    }

    private void Build(IReadOnlyList<byte[]?> keys, ReadOnlySpan<int> order)
    {
        var pending = new Stack<(int Node, int Start, int End, int Depth)>();
        pending.Push((0, 0, order.Length, 0));
        var labels = new List<byte>();
        var starts = new List<int>();
        while (pending.TryPop(out var item))
        {
            var (node, start, end, depth) = item;
            if (start < end && keys[order[start]]!.Length == depth)
                _units[node].Value = order[start++];
            labels.Clear();
            starts.Clear();
            for (int k = start; k < end; k++)
            {
                byte label = keys[order[k]]![depth];
                if (labels.Count > 0 && labels[^1] == label)
                    continue;
                labels.Add(label);
                starts.Add(k);
            }
            if (labels.Count == 0)
                continue;
            starts.Add(end);
            int first = FindBase(labels);   // may replace the array of units
            _units[node].Base = first;
            for (int k = 0; k < labels.Count; k++)
            {
                int child = first + labels[k];
                _units[child].Parent = node;
                pending.Push((child, starts[k], starts[k + 1], depth + 1));
            }
        }
    }

    /// <summary>The first place where all labels find a free unit; after many tries, fresh room at the end.</summary>
    private int FindBase(List<byte> labels)
    {
        while (_units[_firstFree].Parent != Free)
            if (++_firstFree + 256 >= _units.Length)
                Grow(2 * _units.Length);
        int tries = 0;
        for (int at = Math.Max(_firstFree, labels[0] + 1); ; at++)
        {
            if (at + 256 >= _units.Length)
                Grow(2 * _units.Length);
            // What is left before is too crowded to be worth another look: no set of keys may take long.
            if (++tries == MaxTries)
                _firstFree = at;
            if (_units[at].Parent != Free)
                continue;
            int start = at - labels[0], fitting = 1;
            while (fitting < labels.Count && _units[start + labels[fitting]].Parent == Free)
                fitting++;
            if (fitting == labels.Count)
                return start;
        }
    }

    private void Grow(int length)
    {
        int old = _units.Length;
        Array.Resize(ref _units, length);
        _units.AsSpan(old).Fill(new Unit { Base = 0, Parent = Free, Value = -1 });
    }
}
