using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>The validation batches of one language: each document a segment of its own, in file order.</summary>
/// <remarks>
/// A document longer than maxSegmentTokens inputs becomes several segments. Every token but a document's first is
/// predicted once, so sums over all batches do not depend on the batch size. With a mask, segments are whole sentences
/// and the tokens that it hides are predicted, the same ones in every evaluation.
/// </remarks>
public sealed class ValidationSource
{
    private readonly TokenShard _shard;
    private readonly TokenMask? _mask;
    private readonly List<(DocumentTokens Document, int First, int Count)> _segments = [];
    private readonly List<int> _batchStarts = [0];
    private readonly Batch _batch;

    /// <param name="documents">Of the shard.</param>
    /// <param name="maxSegmentTokens">The longest context to evaluate with, T.</param>
    /// <param name="batchTokens">The most tokens of a batch; at least one segment's.</param>
    /// <param name="mask">For masked models.</param>
    /// <exception cref="RunException">Exit 3: the documents have no token to predict.</exception>
    public ValidationSource(
        string language, TokenShard shard, IReadOnlyList<DocumentTokens> documents, int maxSegmentTokens,
        int batchTokens, TokenMask? mask = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSegmentTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchTokens, maxSegmentTokens);
        (_shard, _mask, _batch) = (shard, mask, new Batch(batchTokens));
        if (mask is not null)
            foreach (SentencePiece piece in SentencePiece.Of(documents, maxSegmentTokens))
                _segments.Add((documents[piece.Document], piece.First, piece.Count));
        else
            foreach (DocumentTokens document in documents)
                for (int first = 0; first < document.Count - 1; first += maxSegmentTokens)
                    _segments.Add((document, first, Math.Min(maxSegmentTokens, document.Count - 1 - first)));
        FillBatches(batchTokens, mask is null ? 0 : SentencePiece.Ends);
        Count();
        if (PredictedTokens == 0)
            throw new RunException(ExitCode.Config,
                $"language '{language}': no token to predict on the validation side. Add documents to its files, or " +
                "raise the validation share.");
    }

    public int BatchCount => _batchStarts.Count - 1;

    /// <summary>Of all batches.</summary>
    public long PredictedTokens { get; private set; }

    /// <summary>Of all batches.</summary>
    public long PredictedBytes { get; private set; }

    /// <summary>Some of the documents, chosen by the seed, in file order: for evaluation in training.</summary>
    /// <param name="count">All where there are no more.</param>
    public static IReadOnlyList<T> Sample<T>(IReadOnlyList<T> documents, int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (documents.Count <= count)
            return documents;
        var order = new Permutation(documents.Count, seed, part: -2, epoch: 0);
        return [.. Enumerable.Range(0, count).Select(i => (int)order.At(i)).Order().Select(i => documents[i])];
    }

    /// <summary>A batch; the same object each time, filled again.</summary>
    public Batch At(int index)
    {
        _batch.Clear();
        for (int i = _batchStarts[index]; i < _batchStarts[index + 1]; i++)
        {
            (DocumentTokens document, int first, int count) = _segments[i];
            if (_mask is null)
                _batch.AppendPiece(_shard, document, first, count, i);
            else
                _batch.AppendSentence(_shard, document, first, count, i);
        }

        _mask?.Hide(_batch, TokenMask.EvaluationStep);
        return _batch;
    }

    /// <param name="ends">Tokens of a segment beside its count.</param>
    private void FillBatches(int batchTokens, int ends)
    {
        int filled = 0;
        for (int i = 0; i < _segments.Count; i++)
        {
            int count = _segments[i].Count + ends;
            if (filled + count > batchTokens)
            {
                _batchStarts.Add(i);
                filled = 0;
            }

            filled += count;
        }

        _batchStarts.Add(_segments.Count);
    }

    /// <summary>What is predicted follows from the segments; where a mask hides it, from their tokens.</summary>
    private void Count()
    {
        for (int index = 0; _mask is not null && index < BatchCount; index++)
        {
            Batch batch = At(index);
            PredictedTokens += batch.PredictedTokens;
            PredictedBytes += batch.PredictedBytes;
        }

        foreach ((DocumentTokens document, int first, int count) in _mask is null ? _segments : [])
        {
            PredictedTokens += count;
            PredictedBytes += document.BytesOf(first + 1, first + count + 1);
        }
    }
}
