namespace FastCpt.Engine.Parameters;

/// <summary>Which adapters serve which rows of a pass; made once, and filled again for every pass.</summary>
/// <remarks>Rows that are not named have no adapter. Results and gradients of an adapter's rows have the bits that they
/// have in a pass of their own.</remarks>
public sealed class AdapterRows
{
    private (int Adapter, RowRange Rows)[] _served = new (int, RowRange)[8];

    public int Count { get; private set; }

    /// <summary>An adapter's place in every layer, and its rows.</summary>
    public (int Adapter, RowRange Rows) this[int index] => _served.AsSpan(0, Count)[index];

    public void Clear() => Count = 0;

    /// <summary>Gives rows to an adapter, after those that are given.</summary>
    /// <param name="adapter">As in <see cref="Linear.AdapterAt"/>.</param>
    /// <exception cref="ArgumentException">They begin before the last ones end, or the adapter has rows.</exception>
    public void Add(int adapter, RowRange rows)
    {
        if (rows.Count < 0 || rows.Start < (Count == 0 ? 0 : _served[Count - 1].Rows.End))
            throw new ArgumentException($"{rows} does not follow the rows before.", nameof(rows));
        foreach (var (taken, _) in _served.AsSpan(0, Count))
            if (taken == adapter)
                throw new ArgumentException($"Adapter {adapter} has rows already.", nameof(adapter));
        if (Count == _served.Length)
            Array.Resize(ref _served, 2 * Count);
        _served[Count++] = (adapter, rows);
    }
}
