using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Data;

/// <summary>Turns the text of a language into a token shard.</summary>
/// <remarks>
/// The first reading finds each document's key and size, the second tokenises those that are wanted, in parallel over
/// documents. The bytes of the shard do not depend on the number of threads.
/// </remarks>
public sealed class CorpusTokenizer
{
    /// <summary>More bytes than a token of text has: how much is tokenised to fill a budget of tokens.</summary>
    private const int BytesPerToken = 16;

    private readonly LanguageText _language;
    private readonly Tokenizer _tokenizer;
    private readonly int _maxDocumentTokens, _threadCount;
    private readonly StopSignal? _stop;
    private readonly FileSystem? _files;

    /// <param name="maxDocumentTokens">Ends included; the rest of a longer document is dropped.</param>
    /// <param name="stop">Polled a few times a second.</param>
    /// <param name="threadCount">As many as there are processors where 0.</param>
    public CorpusTokenizer(
        LanguageText language, Tokenizer tokenizer, int maxDocumentTokens, StopSignal? stop = null, int threadCount = 0,
        FileSystem? files = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxDocumentTokens, 3);
        (_language, _tokenizer, _maxDocumentTokens) = (language, tokenizer, maxDocumentTokens);
        (_stop, _files) = (stop, files);
        _threadCount = threadCount > 0 ? threadCount : Environment.ProcessorCount;
    }

    /// <summary>Writes the shard, whole or not at all.</summary>
    /// <exception cref="RunException">
    /// Exit 3: the text is refused, or the budget leaves nothing of it. Exit 6: the disk. Exit 130, 143: stopped.
    /// </exception>
    public CorpusSummary Write(string path)
    {
        CorpusScan scan = CorpusScan.Of(_language, _stop);
        CorpusSummary? summary = null;
        AtomicFile.Write(path, output => summary = Write(output, scan), _files);
        return summary ?? throw new InvalidOperationException("The content was not written.");
    }

    private CorpusSummary Write(Stream output, CorpusScan scan)
    {
        var writer = new TokenShardWriter(output, _tokenizer);
        var documents = new DocumentTokens[scan.Count];
        bool[] usable = Array.ConvertAll(scan.Sides, side => side != Side.Unused);
        bool[] taken = _language.Budget switch
        {
            { Unit: BudgetUnit.Bytes } budget => scan.Take(budget.Amount, document => scan.ByteCounts[document]),
            { Unit: BudgetUnit.Tokens } budget => Likely(scan, budget),
            _ => usable,
        };
        Tokenize(scan, taken, writer, documents);
        if (_language.Budget is { Unit: BudgetUnit.Tokens } tokens)
        {
            if (documents.Sum(document => (long)document.Count) <= tokens.Amount)
                Tokenize(scan, [.. usable.Zip(taken, (isUsable, isDone) => isUsable && !isDone)], writer, documents);
            taken = scan.Take(tokens.Amount, document => documents[document].Count);
        }

        return Complete(scan, taken, writer, documents);
    }

    /// <summary>Documents that hold more than a budget of tokens, unless tokens are unheard-of long.</summary>
    private bool[] Likely(CorpusScan scan, Budget budget) => scan.Take(
        2 * budget.Amount, document => Math.Min(scan.ByteCounts[document] / BytesPerToken, _maxDocumentTokens));

    private CorpusSummary Complete(
        CorpusScan scan, bool[] taken, TokenShardWriter writer, DocumentTokens[] documents)
    {
        List<DocumentTokens> training = [], validation = [];
        for (int i = 0; i < documents.Length; i++)
            if (taken[i] && documents[i].Count > 0)
                (scan.Sides[i] == Side.Training ? training : validation).Add(documents[i]);
        if ((_language.HeldOut ? validation : training).Count == 0)
            throw new RunException(ExitCode.Config,
                $"language '{_language.Code}': no document is left of {scan.Count}. Either its budget is smaller " +
                "than one document, or the tokenizer makes no token of its text.");
        writer.Complete(training, validation, _maxDocumentTokens);
        return new CorpusSummary(
            scan.Count, training.Count, training.Sum(document => (long)document.Count), validation.Count,
            validation.Sum(document => (long)document.Count), scan.BadLines.Count, scan.BadLines.Examples);
    }

    private void Tokenize(CorpusScan scan, bool[] wanted, TokenShardWriter writer, DocumentTokens[] documents)
    {
        var batch = new DocumentBatch(_tokenizer, _maxDocumentTokens, _threadCount);
        var badLines = new BadLines(_language.MaxBadLines);
        int document = 0;
        foreach (string file in _language.Files)
        {
            using var reader = new DocumentReader(file, badLines, _language.TextField);
            for (; reader.Read(); document++)
            {
                scan.Check(document, file, _language.Seed, reader);
                if (!wanted[document])
                    continue;
                batch.Add(document, reader.Text);
                if (batch.IsFull)
                    Flush(batch, writer, documents);
            }
        }

        if (document != scan.Count)
            throw new RunException(ExitCode.Config,
                $"{_language.Files[^1]}: has fewer documents than at the first reading. Run again.");
        Flush(batch, writer, documents);
    }

    private void Flush(DocumentBatch batch, TokenShardWriter writer, DocumentTokens[] documents)
    {
        _stop?.ThrowIfStopRequested("tokenize");
        batch.Encode();
        for (int i = 0; i < batch.Count; i++)
        {
            (int document, ReadOnlyMemory<int> tokens, int predictedBytes) = batch[i];
            documents[document] = new DocumentTokens(writer.Add(tokens.Span), tokens.Length, predictedBytes);
        }

        batch.Clear();
    }
}
