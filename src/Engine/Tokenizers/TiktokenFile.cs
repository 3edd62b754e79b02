using System.Buffers;
using System.Buffers.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads tiktoken rank files: a line per piece, its bytes in base64 and its rank, which is its id.</summary>
/// <remarks>
/// The file says nothing of its split pattern or special tokens, so only published files are taken, known by SHA-256
/// (tiktoken_ext/openai_public.py lists the same). Special tokens in a text are ordinary text.
/// </remarks>
internal static class TiktokenFile
{
    private static readonly Known[] Files =
    [
        new("446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", SplitPattern.O200k,
            [("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)]),
        new("223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", SplitPattern.Cl100k,
            [("<|endoftext|>", 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259),
                ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276)]),
        new("306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", SplitPattern.Gpt2,
            [("<|endoftext|>", 50256)]),
    ];

    private sealed record Known(string Sha256, SplitPattern Pattern, (string Text, int Id)[] Special);

    public static Tokenizer Load(string path)
    {
        byte[] bytes = InputFile.ReadAllBytes(path, ExitCode.ModelFile, TokenizerFile.MaxBytes);
        string identity = Tokenizer.Identity(bytes);
        Known known = Array.Find(Files, file => file.Sha256 == identity) ?? throw new RunException(ExitCode.ModelFile,
            $"{path}: SHA-256 {identity} is none of the published rank files o200k_base, cl100k_base, r50k_base. " +
            "A rank file does not say its split pattern; give a tokenizer.json instead.");
        Tokenizer tokenizer = Read(bytes, path, known.Pattern, known.Special);
        tokenizer.Sha256 = identity;
        return tokenizer;
    }

    /// <param name="special">Tokens that have ids but are not looked for in texts.</param>
    public static Tokenizer Read(
        ReadOnlySpan<byte> file, string source, SplitPattern pattern, (string Text, int Id)[] special)
    {
        var pieces = new List<byte[]?>();
        int line = 0;
        while (!file.IsEmpty)
        {
            line++;
            int end = file.IndexOf((byte)'\n');
            var text = end < 0 ? file : file[..end];
            file = end < 0 ? default : file[(end + 1)..];
            if (text.IsEmpty)
                continue;
            var (piece, rank) = ReadLine(text, $"{source}:{line}");
            while (pieces.Count <= rank)
                pieces.Add(null);
            if (pieces[rank] is not null)
                throw new RunException(ExitCode.ModelFile, $"{source}:{line}: the rank {rank} is there twice.");
            pieces[rank] = piece;
        }
        try
        {
            var table = new PieceTable(pieces);
            var vocabulary = new ByteLevelVocabulary(table, ByteLevelVocabulary.MergesByRank(table), pattern)
            {
                WholeWordsFirst = true,
            };
            return new ByteLevelTokenizer(vocabulary, [], special);
        }
        catch (ArgumentException e)
        {
            throw new RunException(ExitCode.ModelFile,
                $"{source}: a byte has no rank, or two ranks have the same bytes: {e.Message}.");
        }
    }

    private static (byte[] Piece, int Rank) ReadLine(ReadOnlySpan<byte> line, string place)
    {
        int space = line.IndexOf((byte)' ');
        if (space <= 0)
            throw new RunException(ExitCode.ModelFile, $"{place}: expected base64, one space and a rank.");
        var piece = new byte[Base64.GetMaxDecodedFromUtf8Length(space)];
        if (Base64.DecodeFromUtf8(line[..space], piece, out int read, out int written) != OperationStatus.Done
            || read != space || written == 0)
            throw new RunException(ExitCode.ModelFile, $"{place}: the first field is not base64 of at least one byte.");
        if (!Utf8Parser.TryParse(line[(space + 1)..], out int rank, out int digits) || digits != line.Length - space - 1
            || rank < 0 || rank >= TokenizerJson.MaxPieces)
            throw new RunException(ExitCode.ModelFile,
                $"{place}: the second field is not a rank from 0 to {TokenizerJson.MaxPieces - 1}.");
        return (piece[..written], rank);
    }
}
