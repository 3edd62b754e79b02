using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>What a first reading of a language's files finds: key, size and side of every document.</summary>
internal sealed class CorpusScan
{
    private readonly List<DocumentKey> _keys = [];
    private readonly List<int> _byteCounts = [];
    private int[]? _order;

    private CorpusScan()
    {
    }

    public int Count => _keys.Count;

    /// <summary>Of the text, by document.</summary>
    public IReadOnlyList<int> ByteCounts => _byteCounts;

    public required BadLines BadLines { get; init; }

    /// <summary>By document; Unused only in a held-out language.</summary>
    public Side[] Sides { get; private set; } = [];

    /// <param name="stop">Polled once per document.</param>
    /// <exception cref="RunException">
    /// Exit 3: a file or line is refused, or there is no document to use. Exit 130, 143: stopped.
    /// </exception>
    public static CorpusScan Of(LanguageText language, StopSignal? stop = null)
    {
        var scan = new CorpusScan { BadLines = new BadLines(language.MaxBadLines) };
        foreach (string file in language.Files)
        {
            using var reader = new DocumentReader(file, scan.BadLines, language.TextField);
            while (reader.Read())
            {
                stop?.ThrowIfStopRequested("reading text");
                scan._keys.Add(DocumentKey.Of(language.Seed, reader.Id, reader.Text));
                scan._byteCounts.Add(reader.Text.Length);
            }
        }

        scan.Sides = Split.Of(scan._keys, language.ValidationShare, language.HeldOut);
        scan.Check(language);
        return scan;
    }

    /// <summary>Takes usable documents in order of their keys, up to the first that would cross an amount.</summary>
    /// <param name="size">Of a document, by its number in file order.</param>
    /// <returns>By document, whether it is taken.</returns>
    public bool[] Take(long amount, Func<int, long> size)
    {
        var taken = new bool[Count];
        long total = 0;
        foreach (int document in Order())
        {
            if (Sides[document] == Side.Unused)
                continue;
            total += size(document);
            if (total > amount)
                break;
            taken[document] = true;
        }

        return taken;
    }

    /// <summary>Refuses a document that is not the one which the first reading found in its place.</summary>
    public void Check(int document, string file, ulong seed, DocumentReader reader)
    {
        if (document >= Count || _keys[document] != DocumentKey.Of(seed, reader.Id, reader.Text)
            || _byteCounts[document] != reader.Text.Length)
            throw new RunException(ExitCode.Config, $"{file}: changed between two readings. Run again.");
    }

    /// <summary>The documents by rising key; of equal keys, the first in the files first.</summary>
    public int[] Order()
    {
        if (_order is not null)
            return _order;
        _order = new int[Count];
        for (int i = 0; i < Count; i++)
            _order[i] = i;
        Array.Sort(_order, (a, b) =>
        {
            int byKey = _keys[a].Selection.CompareTo(_keys[b].Selection);
            return byKey != 0 ? byKey : a.CompareTo(b);
        });
        return _order;
    }

    private void Check(LanguageText language)
    {
        string where = $"language '{language.Code}' ({string.Join(", ", language.Files)})";
        if (Count == 0)
            throw new RunException(ExitCode.Config,
                $"{where}: there is no document in it; {BadLines.Count} bad lines were passed over.");
        if (language.HeldOut && Array.TrueForAll(Sides, side => side == Side.Unused))
            throw new RunException(ExitCode.Config,
                $"{where}: is held out, and the ids put all {Count} documents on the training side for seed " +
                $"{language.Seed} and a validation share of {language.ValidationShare}. Add documents, or use the " +
                "seed and share for which the files were cut.");
        if (!language.HeldOut && !Array.Exists(Sides, side => side == Side.Training))
            throw new RunException(ExitCode.Config,
                $"{where}: all {Count} documents are on the validation side. Add documents.");
    }
}
