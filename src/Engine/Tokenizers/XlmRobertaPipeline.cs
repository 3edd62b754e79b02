using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>XLM-R's SentencePiece model with the steps of its published tokenizer.json.</summary>
/// <remarks>
/// Precompiled, WhitespaceSplit, Metaspace, Unigram: characters are normalized by grapheme clusters and sums of scores
/// are in double, as in Hugging Face's library; libsentencepiece differs on some texts.
/// </remarks>
internal static class XlmRobertaPipeline
{
    private const int Unknown = 3, FileSpecials = 3;

    private static readonly string[] Specials = ["<s>", "<pad>", "</s>", "<unk>"];

    /// <exception cref="RunException">Exit 4: the file is malformed or not XLM-R's.</exception>
    public static Tokenizer Load(string path)
    {
        byte[] file = InputFile.ReadAllBytes(path, ExitCode.ModelFile, TokenizerFile.MaxBytes);
        var model = SentencePieceModel.Read(file, path);
        if (model.IsBpe || model.Map is null || model.Unknown != 0 || model.Bos != 1 || model.Eos != 2)
            throw new RunException(ExitCode.ModelFile,
                $"{path}: XLM-R's model is a Unigram model that begins with <unk>, <s>, </s> and has a character map.");
        byte[][] pieces =
        [
            .. Specials.Select(Encoding.UTF8.GetBytes), .. model.Pieces.Skip(FileSpecials), "<mask>"u8.ToArray(),
        ];
        double[] scores =
            [.. Specials.Select(_ => 0.0), .. model.Scores.Skip(FileSpecials).Select(score => (double)score), 0.0];
        int mask = pieces.Length - 1;
        AddedToken[] added =
        [
            .. Specials.Select((name, id) => new AddedToken(id, name, true, false, false, false)),
            new AddedToken(mask, "<mask>", Special: true, StripLeft: true, StripRight: false, Normalized: false),
        ];
        var unigram = new Unigram(pieces, scores, scores.Min(), Unknown, singlePrecision: false);
        var steps = new UnigramSteps(new PrecompiledNormalizer(model.Map), null, SplitsAtSpaces: true, []);
        var tokenizer = new UnigramTokenizer(unigram, Table(pieces, path), Unknown, steps, added)
        {
            Sha256 = Tokenizer.Identity(file, Encoding.UTF8.GetBytes(nameof(XlmRobertaPipeline))),
        };
        SpecialTokenRoles.ApplyNames(tokenizer);
        return tokenizer;
    }

    private static PieceTable Table(byte[][] pieces, string path)
    {
        try
        {
            return new PieceTable(pieces);
        }
        catch (ArgumentException e)
        {
            throw new RunException(ExitCode.ModelFile, $"{path}: has the same piece twice, ids {e.Message}.", e);
        }
    }
}
