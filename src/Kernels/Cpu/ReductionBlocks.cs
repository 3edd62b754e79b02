namespace FastCpt.Kernels.Cpu;

/// <summary>A stretch of one term's reduction that is packed at once.</summary>
/// <param name="Second">Which term it belongs to.</param>
/// <param name="Pairs">Whether a step is two places.</param>
/// <param name="Start">First place.</param>
/// <param name="Length">Places.</param>
internal readonly record struct ReductionBlock(bool Second, bool Pairs, long Start, long Length)
{
    /// <summary>Steps that a micro-kernel takes.</summary>
    public long Steps => Pairs ? (Length + 1) / 2 : Length;
}

/// <summary>Cuts the reductions of a product into blocks, those of the first term before those of the second.</summary>
internal readonly struct ReductionBlocks
{
    /// <summary>Most steps of a block: a panel of the right side then fits the first-level cache.</summary>
    public const int MostSteps = 384;

    private readonly Cut _first, _second;

    public ReductionBlocks(in Product product, bool hasPairs)
    {
        _first = new Cut(product.First, hasPairs);
        _second = new Cut(product.Second, hasPairs);
    }

    /// <summary>At least 1, so that a product over nothing still writes its output.</summary>
    public int Count => Math.Max(_first.Count + _second.Count, 1);

    public ReductionBlock this[int index] =>
        index < _first.Count || _second.Count == 0 ? _first.Block(index, false) : _second.Block(index - _first.Count, true);

    /// <summary>Blocks of almost equal length, multiples of 16 steps but for the last.</summary>
    private readonly struct Cut
    {
        private readonly long _length, _places;
        private readonly bool _pairs;

        public Cut(in Term term, bool hasPairs)
        {
            _length = term.Reduction;
            _pairs = hasPairs && term.IsBrain;
            long perStep = _pairs ? 2 : 1, steps = (_length + perStep - 1) / perStep;
            Count = (int)((steps + MostSteps - 1) / MostSteps);
            _places = Count == 0 ? 0 : ((steps + Count - 1) / Count + 15) / 16 * 16 * perStep;
        }

        public int Count { get; }

        public ReductionBlock Block(int index, bool second)
        {
            long start = index * _places;
            return new ReductionBlock(second, _pairs, start, Math.Min(_places, _length - start));
        }
    }
}
