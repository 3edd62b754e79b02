namespace FastCpt.Engine.Tokenizers;

/// <summary>Words as rows of symbols, how often every two neighbours occur in them, and where.</summary>
/// <remarks>
/// All words lie in one array with a border between them. A symbol stands at its first byte; the cell of its last byte
/// knows where it starts. So a merge touches the places of its pair and their neighbours only.
/// </remarks>
internal sealed class PairCounts
{
    private const int Border = -1;
    private const int Inside = -2;

    private readonly int[] _symbols;        // at the first byte of a symbol: its id
    private readonly int[] _startAt;        // at the last byte of a symbol: where its first is
    private readonly int[] _wordAt;
    private readonly long[] _countOfWord;
    private readonly List<int> _lengths = [];       // by id, in bytes
    private readonly Dictionary<ulong, int> _pairs = [];
    private readonly List<Pair> _byIndex = [];
    private readonly HashSet<int> _touched = [];

    /// <param name="idOfByte">Ids of single bytes: 0 to 255 in some order.</param>
    public PairCounts(WordCounter words, ReadOnlySpan<int> idOfByte)
    {
        int cells = checked(words.Bytes + words.Count + 1);
        _symbols = new int[cells];
        _startAt = new int[cells];
        _wordAt = new int[cells];
        _countOfWord = new long[words.Count];
        for (int id = 0; id < 256; id++)
            _lengths.Add(1);
        _symbols[0] = Border;
        int at = 1;
        for (int word = 0; word < words.Count; word++)
        {
            _countOfWord[word] = words.CountOf(word);
            foreach (byte b in words[word])
            {
                (_symbols[at], _startAt[at], _wordAt[at]) = (idOfByte[b], at, word);
                if (_symbols[at - 1] != Border)
                    Change(at - 1, 1);
                at++;
            }
            _symbols[at++] = Border;
        }
        _touched.Clear();
    }

    public int Count => _byIndex.Count;

    /// <summary>Two neighbouring ids, and how often they are neighbours at present.</summary>
    public (int Left, int Right, long Count) this[int pair] =>
        (_byIndex[pair].Left, _byIndex[pair].Right, _byIndex[pair].Count);

    /// <summary>Makes a pair one symbol wherever it occurs, in every word from the left.</summary>
    /// <param name="merged">A new id, or that of a piece with the same bytes.</param>
    /// <param name="grown">Overwritten with the pairs that became more frequent, without order.</param>
    public void Merge(int pair, int merged, List<int> grown)
    {
        var (left, right, positions) = (_byIndex[pair].Left, _byIndex[pair].Right, _byIndex[pair].Positions);
        int leftLength = _lengths[left], length = leftLength + _lengths[right];
        if (merged == _lengths.Count)
            _lengths.Add(length);
        positions.Sort();
        _byIndex[pair].Positions = [];
        _touched.Clear();
        foreach (int at in positions)
        {
            if (_symbols[at] != left || _symbols[at + leftLength] != right)
                continue;
            bool hasPrevious = _symbols[at - 1] != Border, hasNext = _symbols[at + length] != Border;
            int previous = hasPrevious ? _startAt[at - 1] : 0;
            Change(at, -1);
            if (hasPrevious)
                Change(previous, -1);
            if (hasNext)
                Change(at + leftLength, -1);
            _symbols[at] = merged;
            _symbols[at + leftLength] = Inside;
            _startAt[at + length - 1] = at;
            if (hasPrevious)
                Change(previous, 1);
            if (hasNext)
                Change(at, 1);
        }
        grown.Clear();
        grown.AddRange(_touched);
    }

    /// <summary>Counts the pair that starts at a cell once more or once less.</summary>
    private void Change(int at, int sign)
    {
        int left = _symbols[at], right = _symbols[at + _lengths[left]];
        ulong key = ((ulong)(uint)left << 32) | (uint)right;
        if (!_pairs.TryGetValue(key, out int index))
        {
            index = _byIndex.Count;
            _pairs.Add(key, index);
            _byIndex.Add(new Pair { Left = left, Right = right });
        }
        Pair pair = _byIndex[index];
        pair.Count += sign * _countOfWord[_wordAt[at]];
        if (sign < 0)
            return;
        pair.Positions.Add(at);
        _touched.Add(index);
    }

    private sealed class Pair
    {
        public int Left;
        public int Right;
        public long Count;
        public List<int> Positions = [];
    }
}
