using FastCpt.Kernels;

namespace FastCpt.Engine.Data;

/// <summary>What a model is given at once: M tokens in S segments that do not see each other.</summary>
/// <remarks>Its buffers are made once and used again; spans are good until the next fill.</remarks>
public sealed class Batch
{
    private readonly int[] _tokenIds, _targets, _positions, _segments;
    private readonly long[] _samples, _rowKeys, _segmentBytes;
    private readonly int[] _read;

    /// <param name="capacity">The most tokens.</param>
    public Batch(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _tokenIds = new int[capacity];
        _targets = new int[capacity];
        _positions = new int[capacity];
        _segments = new int[2 * capacity];
        _samples = new long[capacity];
        _rowKeys = new long[capacity];
        _segmentBytes = new long[capacity];
        _read = new int[capacity + 1];
    }

    public int Capacity => _tokenIds.Length;

    /// <summary>M.</summary>
    public int TokenCount { get; private set; }

    /// <summary>S.</summary>
    public int SegmentCount { get; private set; }

    /// <summary>Tokens of the longest segment.</summary>
    public int LongestSegment { get; private set; }

    /// <summary>[M], each in [0, V).</summary>
    public ReadOnlySpan<int> TokenIds => _tokenIds.AsSpan(0, TokenCount);

    /// <summary>[M], the next token, one that is hidden, a word's label, or <see cref="Backend.IgnoredTarget"/>.
    /// </summary>
    public ReadOnlySpan<int> Targets => _targets.AsSpan(0, TokenCount);

    /// <summary>[M], from 0 in each segment.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, TokenCount);

    /// <summary>[S, 2], first row of a segment and one past its last; together they cover [0, M) in order.</summary>
    public ReadOnlySpan<int> Segments => _segments.AsSpan(0, 2 * SegmentCount);

    /// <summary>[S], a number that the segment's text has in every epoch and batch; it keys randomness.</summary>
    public ReadOnlySpan<long> Samples => _samples.AsSpan(0, SegmentCount);

    /// <summary>[M], sample · 2²⁰ + position: what a row's dropout depends on.</summary>
    public ReadOnlySpan<long> RowKeys => _rowKeys.AsSpan(0, TokenCount);

    /// <summary>Targets that are not ignored.</summary>
    public int PredictedTokens { get; private set; }

    /// <summary>Bytes of text that those stand for; see <see cref="DocumentTokens.BytesOf"/>.</summary>
    public long PredictedBytes { get; private set; }

    internal void Clear() =>
        (TokenCount, SegmentCount, LongestSegment, PredictedTokens, PredictedBytes) = (0, 0, 0, 0, 0);

    /// <summary>Begins a segment at the current end of the batch.</summary>
    internal void BeginSegment(long sample)
    {
        _samples[SegmentCount] = sample;
        _segments[2 * SegmentCount] = TokenCount;
        _segments[(2 * SegmentCount) + 1] = TokenCount;
        SegmentCount++;
    }

    /// <summary>Appends tokens to the segment that was begun.</summary>
    internal void AppendTokens(TokenShard shard, long start, int count)
    {
        shard.Read(start, _tokenIds.AsSpan(TokenCount, count));
        TokenCount += count;
    }

    /// <summary>Ends a segment whose tokens predict one another and whose last predicts nothing.</summary>
    internal void EndSegment(long predictedBytes) => EndSegment(Backend.IgnoredTarget, predictedBytes);

    /// <summary>Ends a segment; its last token predicts the given one.</summary>
    internal void EndSegment(int lastTarget, long predictedBytes)
    {
        (int start, int length) = CloseSegment();
        _tokenIds.AsSpan(start + 1, length - 1).CopyTo(_targets.AsSpan(start));
        _targets[TokenCount - 1] = lastTarget;
        PredictedTokens += lastTarget == Backend.IgnoredTarget ? length - 1 : length;
        PredictedBytes += predictedBytes;
    }

    /// <summary>Appends tokens of a document between its ends, as a segment that predicts nothing.</summary>
    /// <param name="first">Of the document's tokens; not an end.</param>
    /// <param name="count">Without the ends.</param>
    internal void AppendSentence(TokenShard shard, in DocumentTokens document, int first, int count, long sample)
    {
        BeginSegment(sample);
        AppendTokens(shard, document.Start, 1);
        AppendTokens(shard, document.Start + first, count);
        AppendTokens(shard, document.Start + document.Count - 1, 1);
        (int start, int length) = CloseSegment();
        _targets.AsSpan(start, length).Fill(Backend.IgnoredTarget);
        _segmentBytes[SegmentCount - 1] = document.BytesOf(first, first + count);
    }

    /// <summary>Makes a row predict its token, and shows another one there.</summary>
    internal void Hide(int row, int segment, int shown)
    {
        _targets[row] = _tokenIds[row];
        _tokenIds[row] = shown;
        PredictedTokens++;
        // Each token between the ends stands for an equal part of the segment's text.
        int place = row - _segments[2 * segment] - 1;
        int count = _segments[(2 * segment) + 1] - _segments[2 * segment] - SentencePiece.Ends;
        PredictedBytes += (_segmentBytes[segment] * (place + 1) / count) - (_segmentBytes[segment] * place / count);
    }

    /// <summary>Appends a segment whose targets are given, such as the labels of words.</summary>
    /// <param name="targets">As many as tokens; <see cref="Backend.IgnoredTarget"/> where nothing is predicted.</param>
    internal void AppendLabelled(ReadOnlySpan<int> tokens, ReadOnlySpan<int> targets, long sample)
    {
        BeginSegment(sample);
        tokens.CopyTo(_tokenIds.AsSpan(TokenCount));
        targets.CopyTo(_targets.AsSpan(TokenCount));
        TokenCount += tokens.Length;
        CloseSegment();
        PredictedTokens += targets.Length - targets.Count(Backend.IgnoredTarget);
    }

    /// <summary>Appends a segment of count tokens of a document, each predicting the one after it there.</summary>
    /// <param name="first">Of the document's tokens; first + count is the last one predicted.</param>
    internal void AppendPiece(TokenShard shard, in DocumentTokens document, int first, int count, long sample)
    {
        BeginSegment(sample);
        Span<int> read = _read.AsSpan(0, count + 1);
        shard.Read(document.Start + first, read);
        read[..count].CopyTo(_tokenIds.AsSpan(TokenCount));
        TokenCount += count;
        EndSegment(read[count], document.BytesOf(first + 1, first + count + 1));
    }

    /// <summary>Gives the rows of the segment their positions and keys.</summary>
    private (int Start, int Length) CloseSegment()
    {
        int start = _segments[2 * (SegmentCount - 1)], length = TokenCount - start;
        _segments[(2 * SegmentCount) - 1] = TokenCount;
        for (int i = 0; i < length; i++)
        {
            _positions[start + i] = i;
            _rowKeys[start + i] = (_samples[SegmentCount - 1] << 20) + i;
        }

        LongestSegment = Math.Max(LongestSegment, length);
        return (start, length);
    }
}
