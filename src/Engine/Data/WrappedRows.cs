namespace FastCpt.Engine.Data;

/// <summary>Documents one after the other, cut into rows regardless of where they end: the paper's packing.</summary>
/// <remarks>
/// Done per group of 1,000 documents, whose last row is shorter where the tokens do not come out even (family-cpt.md
/// 2.5). Groups begin anew with each language, where the paper's run on through the concatenation: so a row is of one
/// language, does not depend on which others there are, and a language has at most one more short row. A row is one
/// segment: attention crosses document ends, positions run from 0, and its last token predicts nothing. Every token
/// stands in exactly one row.
/// </remarks>
public sealed class WrappedRows : PackedRows
{
    public const int GroupDocuments = 1000;

    private readonly IReadOnlyList<DocumentTokens> _documents;
    private readonly long[] _tokensBefore;      // by document, and one more: tokens of those before it
    private readonly int[] _rowsBefore;         // by group, and one more: rows of those before it

    internal WrappedRows(TokenShard shard, IReadOnlyList<DocumentTokens> documents, int rowTokens)
        : base(shard, rowTokens)
    {
        _documents = documents;
        _tokensBefore = new long[documents.Count + 1];
        for (int i = 0; i < documents.Count; i++)
            _tokensBefore[i + 1] = _tokensBefore[i] + documents[i].Count;
        _rowsBefore = new int[((documents.Count + GroupDocuments - 1) / GroupDocuments) + 1];
        for (int group = 0; group + 1 < _rowsBefore.Length; group++)
        {
            long tokens = GroupStart(group + 1) - GroupStart(group);
            _rowsBefore[group + 1] = checked(_rowsBefore[group] + (int)((tokens + rowTokens - 1) / rowTokens));
        }
    }

    public override int RowCount => _rowsBefore[^1];

    public override long TokenCount => _tokensBefore[^1];

    public override long PredictedTokenCount => TokenCount - RowCount;

    public override long SegmentCount => RowCount;

    public override int PredictedTokens(int row)
    {
        (long start, long end) = Range(row);
        return (int)(end - start) - 1;
    }

    public override void Append(int row, long firstSample, Batch batch)
    {
        (long rowStart, long end) = Range(row);
        long start = rowStart, predictedBytes = 0;
        batch.BeginSegment(firstSample + row);
        for (int i = LastAtMost(_tokensBefore, start); start < end; i++)
        {
            DocumentTokens document = _documents[i];
            var first = (int)(start - _tokensBefore[i]);
            var count = (int)Math.Min(document.Count - first, end - start);
            batch.AppendTokens(Shard, document.Start + first, count);
            // The row's own first token is predicted by none of its tokens.
            predictedBytes += document.BytesOf(start == rowStart ? first + 1 : first, first + count);
            start += count;
        }

        batch.EndSegment(predictedBytes);
    }

    /// <summary>The tokens of a row, in the numbering of the documents laid end to end.</summary>
    private (long Start, long End) Range(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, RowCount);
        int group = LastAtMost(_rowsBefore, row);
        long start = GroupStart(group) + ((long)(row - _rowsBefore[group]) * RowTokens);
        return (start, Math.Min(start + RowTokens, GroupStart(group + 1)));
    }

    private long GroupStart(int group) => _tokensBefore[Math.Min(group * GroupDocuments, _documents.Count)];

    /// <summary>The last index whose value is at most the wanted one; values rise from 0.</summary>
    private static int LastAtMost<T>(T[] values, T wanted)
        where T : IComparable<T>
    {
        int index = Array.BinarySearch(values, wanted);
        return index < 0 ? ~index - 1 : index;
    }
}
