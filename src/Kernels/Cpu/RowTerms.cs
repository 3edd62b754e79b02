namespace FastCpt.Kernels.Cpu;

/// <summary>A summand of some rows of a product alone.</summary>
/// <param name="left">Lines are those rows.</param>
/// <param name="right">Lines are the output's columns.</param>
internal readonly struct RowTerm(long start, long rows, Operand left, Operand right, long reduction)
{
    public long Start => start;

    public long Rows => rows;

    public long End => start + rows;

    public Operand Left => left;

    public Operand Right => right;

    public long Reduction => reduction;

    /// <summary>As <see cref="Term.IsBrain"/>.</summary>
    public bool IsBrain => left.Type == DType.BF16 && right.Type == DType.BF16;
}

/// <summary>Summands of a product that belong to groups of its rows, ascending; some rows may have none.</summary>
/// <remarks>Filled again for every product, so that a steady state allocates nothing.</remarks>
internal sealed class RowTerms
{
    private RowTerm[] _terms = new RowTerm[8];

    public int Count { get; private set; }

    public ref readonly RowTerm this[int index] => ref _terms[index];

    public void Clear() => Count = 0;

    public void Add(in RowTerm term)
    {
        if (Count == _terms.Length)
            Array.Resize(ref _terms, 2 * Count);
        _terms[Count++] = term;
    }

    /// <summary>The whole reduction of a term, which is short.</summary>
    public ReductionBlock Block(int index, bool hasPairs) =>
        new(0, hasPairs && _terms[index].IsBrain, 0, _terms[index].Reduction);

    /// <summary>Whether every one of some rows has a term, of at least one step.</summary>
    public bool Cover(long row, long rows)
    {
        long reached = row;
        for (int index = 0; index < Count && reached < row + rows; index++)
            if (_terms[index].Start <= reached && _terms[index].Reduction > 0)
                reached = Math.Max(reached, _terms[index].End);
        return reached >= row + rows;
    }

    /// <summary>Whether all are summed in pairs.</summary>
    public bool ArePairs(bool hasPairs)
    {
        for (int index = 0; index < Count; index++)
            if (!Block(index, hasPairs).Pairs)
                return false;
        return true;
    }

    /// <summary>Steps of all terms together.</summary>
    public long Steps(bool hasPairs)
    {
        long steps = 0;
        for (int index = 0; index < Count; index++)
            steps += Block(index, hasPairs).Steps;
        return steps;
    }
}
