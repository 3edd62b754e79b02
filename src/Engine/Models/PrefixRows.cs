using System.Runtime.InteropServices;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Where the rows of prefixes lie in the attention of a pass.</summary>
/// <remarks>
/// Attention runs over M' rows, in which those of its prefix come before each sentence's. They are first stacked, all
/// prefixes' rows before all M of the batch, and then put into order.
/// </remarks>
internal sealed class PrefixRows
{
    private readonly List<Group> _groups = [];
    private int[] _order = [], _inverse = [], _bounds = [], _ids = [];
    private long[] _rowKeys = [], _orderedKeys = [];
    private Tensor _orderTensor, _inverseTensor, _rowKeysTensor;

    /// <summary>Sentences that see one prefix.</summary>
    /// <param name="First">First of the prefix's rows in a stack: P for every sentence.</param>
    /// <param name="Ids">I32: which row of the prefix each of them is.</param>
    private readonly record struct Group(int Place, RowRange Rows, int Length, int First, Tensor Ids);

    /// <summary>M' − M.</summary>
    private int Added { get; set; }

    private Segments Segments { get; set; }

    /// <summary>Lays out a pass.</summary>
    /// <param name="site">Of any layer: prefixes of a place are equally long in all.</param>
    public void Prepare(Tape t, in ModelInputs inputs, AdapterSite site)
    {
        int rows = checked((int)inputs.Ids.Length), count = 2 * inputs.Segments.Count;
        Grow(ref _bounds, count);
        t.Backend.Download(inputs.Segments.Bounds, MemoryMarshal.AsBytes(_bounds.AsSpan(0, count)));
        _groups.Clear();
        Added = 0;
        if (inputs.Adapters is null)
            AddGroup(t, 0, new RowRange(0, rows), count, site);
        else
            for (int index = 0; index < inputs.Adapters.Count; index++)
                AddGroup(t, inputs.Adapters[index].Adapter, inputs.Adapters[index].Rows, count, site);
        int longest = Order(rows, count);
        for (int i = 0; i < rows + Added; i++)
            _inverse[_order[i]] = i;
        _orderTensor = t.Upload<int>(_order.AsSpan(0, rows + Added), DType.I32, new Shape(rows + Added));
        _inverseTensor = t.Upload<int>(_inverse.AsSpan(0, rows + Added), DType.I32, new Shape(rows + Added));
        Segments = new Segments(
            t.Upload<int>(_bounds.AsSpan(0, count), DType.I32, new Shape(count / 2, 2)), longest);
        _rowKeysTensor = inputs.RowKeys.IsNone ? Tensor.None : OrderKeys(t, inputs.RowKeys, rows);
    }

    /// <summary>Attention in which sentences see their prefixes: [M, C] to [M, C].</summary>
    public Activation Attention(
        Tape t, Activation q, Activation k, Activation v, in AttentionShape shape, AdapterSite site)
    {
        Activation keys = t.Zeros(k.Value.Type, Added + k.Value.Rows, k.Value.Cols);                // [M', C]
        Activation values = t.Zeros(v.Value.Type, Added + v.Value.Rows, v.Value.Cols);
        foreach (Group group in CollectionsMarshal.AsSpan(_groups))
            if (site.At(group.Place) is Prefix prefix && group.Ids.Length > 0)
            {
                keys = t.AddRows(keys, t.Embedding(group.Ids, prefix.Keys, scale: 1), group.First);
                values = t.AddRows(values, t.Embedding(group.Ids, prefix.Values, scale: 1), group.First);
            }

        AttentionShape ordered = shape with { Dropout = shape.Dropout with { RowKeys = _rowKeysTensor } };
        Activation queries = t.Zeros(q.Value.Type, Added + q.Value.Rows, q.Value.Cols);
        Activation o = t.Attention(
            Ordered(t, t.AddRows(queries, q, Added)), Ordered(t, t.AddRows(keys, k, Added)),
            Ordered(t, t.AddRows(values, v, Added)), Segments, ordered);
        return t.Rows(t.Permute(o, _inverseTensor, _orderTensor), new RowRange(Added, q.Value.Rows));
    }

    private Activation Ordered(Tape t, Activation stack) => t.Permute(stack, _orderTensor, _inverseTensor);

    private void AddGroup(Tape t, int place, RowRange rows, int boundCount, AdapterSite site)
    {
        if (site.At(place) is not Prefix { Length: var length })
            return;
        int sentences = 0;
        for (int i = 0; i < boundCount; i += 2)
            if (_bounds[i] >= rows.Start && _bounds[i] < rows.End && _bounds[i] < _bounds[i + 1])
                sentences++;
        int added = checked(sentences * length);
        Grow(ref _ids, added);
        for (int i = 0; i < added; i++)
            _ids[i] = i % length;
        Tensor ids = added == 0 ? Tensor.None : t.Upload<int>(_ids.AsSpan(0, added), DType.I32, new Shape(added));
        _groups.Add(new Group(place, rows, length, Added, ids));
        Added = checked(Added + added);
    }

    /// <summary>Fills the order, and replaces the bounds by those of sentences with prefixes.</summary>
    /// <returns>Rows of the longest.</returns>
    private int Order(int rows, int boundCount)
    {
        Grow(ref _order, rows + Added);
        Grow(ref _inverse, rows + Added);
        int at = 0, row = 0, longest = 0, group = 0, taken = 0;
        for (int i = 0; i < boundCount; i += 2)
        {
            (int start, int end) = (_bounds[i], _bounds[i + 1]);
            Take(start);                                    // padding before the sentence
            int first = at;
            while (group < _groups.Count && start >= _groups[group].Rows.End)
                (group, taken) = (group + 1, 0);
            if (group < _groups.Count && start >= _groups[group].Rows.Start && start < end)
                for (int p = 0; p < _groups[group].Length; p++)
                    _order[at++] = _groups[group].First + taken++;
            Take(end);
            (_bounds[i], _bounds[i + 1]) = (first, at);
            longest = Math.Max(longest, at - first);
        }

        Take(rows);
        return longest;

        void Take(int end)
        {
            while (row < end)
                _order[at++] = Added + row++;
        }
    }

    /// <summary>Keys of all M' rows, I64: 0 for a prefix's, whose queries nobody reads.</summary>
    private Tensor OrderKeys(Tape t, Tensor rowKeys, int rows)
    {
        Grow(ref _rowKeys, rows);
        Grow(ref _orderedKeys, rows + Added);
        t.Backend.Download(rowKeys, MemoryMarshal.AsBytes(_rowKeys.AsSpan(0, rows)));
        for (int i = 0; i < rows + Added; i++)
            _orderedKeys[i] = _order[i] < Added ? 0 : _rowKeys[_order[i] - Added];
        return t.Upload<long>(_orderedKeys.AsSpan(0, rows + Added), DType.I64, new Shape(rows + Added));
    }

    private static void Grow<T>(ref T[] numbers, int count)
    {
        if (numbers.Length < count)
            numbers = new T[count];
    }
}
