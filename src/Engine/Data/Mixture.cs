using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>The endless sequence of rows that a model is trained on, drawn from several languages.</summary>
/// <remarks>
/// A place in the sequence is known by its number alone. <see cref="Concatenate"/>: an epoch is every row of every
/// language once, in a random order of its own; so languages count by their tokens (family-cpt.md 2.6).
/// <see cref="Weigh"/>: languages share the tokens by their weights, each goes through its own epochs in random order;
/// which language a place belongs to repeats every <see cref="PeriodRows"/> rows, spread as evenly as can be.
/// </remarks>
public sealed class Mixture
{
    /// <summary>Shares of rows are rounded to one in so many.</summary>
    public const int PeriodRows = 10_000;

    private readonly IReadOnlyList<MixturePart> _parts;
    private readonly ulong _seed;
    private readonly long[] _rowsBefore;        // by part, and one more
    private readonly long[] _samplesBefore;
    private readonly int[]? _periodCounts;      // by part, its rows in a period; null when concatenated
    private readonly (int Part, int Rank)[] _period = [];

    private Mixture(IReadOnlyList<MixturePart> parts, ulong seed, bool isWeighted)
    {
        (_parts, _seed) = (parts, seed);
        _rowsBefore = new long[parts.Count + 1];
        _samplesBefore = new long[parts.Count + 1];
        for (int i = 0; i < parts.Count; i++)
        {
            PackedRows rows = parts[i].Rows;
            if (rows.PredictedTokenCount == 0)
                throw new RunException(ExitCode.Config,
                    $"language '{parts[i].Language}': its training documents have no token to predict. Add text.");
            _rowsBefore[i + 1] = _rowsBefore[i] + rows.RowCount;
            _samplesBefore[i + 1] = _samplesBefore[i] + rows.SegmentCount;
        }

        if (isWeighted)
        {
            _periodCounts = CountRows(parts);
            _period = SpreadEvenly(_periodCounts);
        }
    }

    /// <summary>The longest row.</summary>
    public int RowTokens => _parts.Max(part => part.Rows.RowTokens);

    /// <summary>Rows of all languages together, each once.</summary>
    public long RowCount => _rowsBefore[^1];

    /// <summary>Tokens of all languages together, each once.</summary>
    public long TokenCount => _parts.Sum(part => part.Rows.TokenCount);

    public IReadOnlyList<MixturePart> Parts => _parts;

    /// <exception cref="RunException">Exit 3: a language has no token to predict.</exception>
    public static Mixture Concatenate(IReadOnlyList<MixturePart> parts, ulong seed) =>
        new(NotEmpty(parts), seed, isWeighted: false);

    /// <param name="parts">With weights above 0, in any unit.</param>
    /// <exception cref="RunException">Exit 3: a language has no token to predict, or too small a weight.</exception>
    public static Mixture Weigh(IReadOnlyList<MixturePart> parts, ulong seed) => 
        new(NotEmpty(parts), seed, isWeighted: true);

    /// <summary>The language and the row of it at a place of the sequence.</summary>
    public (int Part, int Row) At(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        if (_periodCounts is null)
        {
            long row = new Permutation(RowCount, _seed, -1, index / RowCount).At(index % RowCount);
            int found = Array.BinarySearch(_rowsBefore, row);
            int owner = found < 0 ? ~found - 1 : found;
            return (owner, (int)(row - _rowsBefore[owner]));
        }

        (int part, int rank) = _period[index % PeriodRows];
        long ownIndex = (index / PeriodRows * _periodCounts[part]) + rank;
        int rowCount = _parts[part].Rows.RowCount;
        return (part, (int)new Permutation(rowCount, _seed, part, ownIndex / rowCount).At(ownIndex % rowCount));
    }

    /// <summary>Tokens that the row at a place predicts, without reading any.</summary>
    internal int PredictedTokens(long index)
    {
        (int part, int row) = At(index);
        return _parts[part].Rows.PredictedTokens(row);
    }

    internal void Append(long index, Batch batch)
    {
        (int part, int row) = At(index);
        _parts[part].Rows.Append(row, _samplesBefore[part], batch);
    }

    private static IReadOnlyList<MixturePart> NotEmpty(IReadOnlyList<MixturePart> parts) =>
        parts.Count > 0 ? parts : throw new ArgumentException("A mixture has at least one language.", nameof(parts));

    /// <summary>Rows per period: weight over mean tokens of a row, rounded by largest remainder.</summary>
    private static int[] CountRows(IReadOnlyList<MixturePart> parts)
    {
        double[] shares = [.. parts.Select(part =>
            part.Weight * part.Rows.RowCount / part.Rows.TokenCount)];
        double total = shares.Sum();
        for (int i = 0; i < shares.Length; i++)
        {
            if (!double.IsFinite(total) || !(shares[i] >= total / PeriodRows))
                throw new RunException(ExitCode.Config,
                    $"language '{parts[i].Language}': weight {parts[i].Weight} gives it less than one row in " +
                    $"{PeriodRows}. Raise the weight or take the language out.");
            shares[i] *= PeriodRows / total;
        }

        int[] counts = [.. shares.Select(share => (int)(share + 1e-9))];       // a share of 1 may be rounded down
        int missing = PeriodRows - counts.Sum();
        IEnumerable<int> byRemainder = Enumerable.Range(0, counts.Length).OrderByDescending(i => shares[i] - counts[i]);
        foreach (int i in byRemainder.Take(missing))
            counts[i]++;
        return counts;
    }

    /// <summary>Puts the k-th of n rows of a language near (k + ½) / n of the period.</summary>
    private static (int Part, int Rank)[] SpreadEvenly(int[] counts)
    {
        var rows = new (int Part, int Rank)[PeriodRows];
        int filled = 0;
        for (int part = 0; part < counts.Length; part++)
            for (int rank = 0; rank < counts[part]; rank++)
                rows[filled++] = (part, rank);
        Array.Sort(rows, (a, b) =>
        {
            // (2k + 1) / n compared without division, so that equal places are equal.
            int byPlace = (((2L * a.Rank) + 1) * counts[b.Part]).CompareTo(((2L * b.Rank) + 1) * counts[a.Part]);
            return byPlace != 0 ? byPlace : a.Part.CompareTo(b.Part);
        });
        return rows;
    }
}
