namespace FastCpt.Engine.Evaluation;

/// <summary>R: the score on every language after every step of learning one language after the other.</summary>
/// <remarks>
/// Places count from 1 as in the formulas: R[i, j] is the score of the j-th language after step i, R[0, j] that before
/// any training. A cell that was not measured is undefined, and so is every measure that would read it.
/// </remarks>
public sealed class TransferMatrix
{
    private readonly double?[] _cells;      // [T + 1, T]

    /// <param name="locales">In the order in which they are learned.</param>
    public TransferMatrix(IReadOnlyList<string> locales)
    {
        if (locales.Count == 0 || locales.Distinct().Count() < locales.Count)
            throw new ArgumentException("There is no language, or one is there twice.", nameof(locales));
        Locales = [.. locales];
        _cells = new double?[(Count + 1) * Count];
    }

    /// <summary>By position, which counts from 0 here alone.</summary>
    public IReadOnlyList<string> Locales { get; }

    /// <summary>T, languages and so steps.</summary>
    public int Count => Locales.Count;

    /// <param name="step">From 0, before any training, to T.</param>
    /// <param name="position">Of the language tested, from 1 to T.</param>
    public double? this[int step, int position]
    {
        get => _cells[Index(step, position)];
        set => _cells[Index(step, position)] = value is null || double.IsFinite(value.Value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A score is finite or undefined.");
    }

    /// <summary>The score of a language right after it was learned.</summary>
    public double? Diagonal(int position) => this[position, position];

    /// <summary>The mean of values; undefined where there are none or one of them is.</summary>
    public static double? Mean(IEnumerable<double?> values)
    {
        double sum = 0;
        int count = 0;
        foreach (double? value in values)
        {
            if (value is null)
                return null;
            sum += value.Value;
            count++;
        }

        return count == 0 ? null : sum / count;
    }

    /// <summary>The whole numbers from first to last, none where last is less.</summary>
    internal static IEnumerable<int> Range(int first, int last) =>
        Enumerable.Range(first, Math.Max(0, last - first + 1));

    private int Index(int step, int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(step, Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(position, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Count);
        return (step * Count) + position - 1;
    }
}
