namespace FastCpt.Kernels.Cpu;

/// <summary>A stretch of one term's reduction that micro-kernels take at once.</summary>
/// <param name="Term">Number of the term.</param>
/// <param name="Pairs">Whether a step is two places.</param>
/// <param name="Start">First place.</param>
/// <param name="Length">Places.</param>
internal readonly record struct ReductionBlock(int Term, bool Pairs, long Start, long Length)
{
    /// <summary>Steps that a micro-kernel takes.</summary>
    public long Steps => Pairs ? (Length + 1) / 2 : Length;
}

/// <summary>Cuts the reductions of a product into blocks, term after term.</summary>
/// <remarks>Blocks of a term are its links, or of almost equal length, multiples of 16 steps but for the last. A term
/// of groups of rows is one block without steps; the first of a product over nothing is another, which writes what the
/// sums begin with.</remarks>
internal readonly ref struct ReductionBlocks
{
    /// <summary>Most steps of a block: a panel of the right side then about fits the first-level cache.</summary>
    public const int MostSteps = 768;

    private readonly ref readonly Product _product;
    private readonly bool _hasPairs;

    public ReductionBlocks(in Product product, bool hasPairs)
    {
        _product = ref product;
        _hasPairs = hasPairs;
        for (int term = 0; term < product.TermCount; term++)
            Count += CountOf(term);
        Count = Math.Max(Count, 1);
    }

    /// <summary>At least 1, so that a product over nothing still writes its output.</summary>
    public int Count { get; }

    public ReductionBlock this[int index]
    {
        get
        {
            for (int term = 0; term < _product.TermCount; term++)
            {
                if (index < CountOf(term))
                    return Block(term, index);
                index -= CountOf(term);
            }

            return default;
        }
    }

    private ReductionBlock Block(int term, int index)
    {
        long places = StepsPerBlock(term) * (IsPairs(term) ? 2 : 1), start = index * places;
        return new ReductionBlock(
            term, IsPairs(term), start, Math.Min(places, _product.Term(term).Reduction - start));
    }

    private int CountOf(int term) => _product.Term(term).Rows != null
        ? 1
        : (int)Math.Max((Steps(term) + StepsPerBlock(term) - 1) / StepsPerBlock(term), term == 0 ? 1 : 0);

    private long StepsPerBlock(int term)
    {
        if (_product.Term(term).InLinks)
            return Term.LinkSteps;
        long steps = Math.Max(Steps(term), 1), count = (steps + MostSteps - 1) / MostSteps;
        return ((steps + count - 1) / count + 15) / 16 * 16;
    }

    private long Steps(int term)
    {
        long length = _product.Term(term).Reduction;
        return IsPairs(term) ? (length + 1) / 2 : length;
    }

    private bool IsPairs(int term) => _hasPairs && _product.Term(term).IsBrain;
}
