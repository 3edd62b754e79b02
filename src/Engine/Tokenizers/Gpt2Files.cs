using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads GPT-2's two files: ids (encoder.json, vocab.json) and merges (vocab.bpe, merges.txt).</summary>
internal static class Gpt2Files
{
    private const string EndOfText = "<|endoftext|>";

    public static Tokenizer Load(string vocabularyPath, string mergesPath)
    {
        byte[] vocabularyBytes = InputFile.ReadAllBytes(vocabularyPath, ExitCode.ModelFile, TokenizerFile.MaxBytes);
        byte[] mergesBytes = InputFile.ReadAllBytes(mergesPath, ExitCode.ModelFile, TokenizerFile.MaxBytes);
        using var document = StrictJson.Parse(vocabularyBytes, vocabularyPath, ExitCode.ModelFile);
        var place = new JsonPlace(document.RootElement, vocabularyPath, "");
        string?[] texts = TokenizerJson.ReadVocabulary(place);
        var pieces = new byte[texts.Length][];
        var ids = new Dictionary<string, int>(texts.Length, StringComparer.Ordinal);
        for (int id = 0; id < texts.Length; id++)
        {
            if (texts[id] is not string text)
                continue;
            ids[text] = id;
            if (text != EndOfText)
                pieces[id] = ByteAlphabet.ReadOrKeep(text);
        }
        MergeTable merges = ReadMerges(mergesBytes, mergesPath, ids);
        (string, int)[] special = ids.TryGetValue(EndOfText, out int end) ? [(EndOfText, end)] : [];
        try
        {
            var vocabulary = new ByteLevelVocabulary(new PieceTable(pieces), merges, SplitPattern.Gpt2);
            return new ByteLevelTokenizer(vocabulary, [], special)
            {
                Sha256 = Tokenizer.Identity(vocabularyBytes, mergesBytes),
            };
        }
        catch (ArgumentException e)
        {
            throw place.Refuse($"lacks a byte or has a piece twice: {e.Message}");
        }
    }

    private static MergeTable ReadMerges(byte[] bytes, string path, Dictionary<string, int> ids)
    {
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        var merges = new MergeTable(lines.Length);
        for (int k = 0; k < lines.Length; k++)
        {
            string line = lines[k].TrimEnd('\r');
            if (line.Length == 0 || (k == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
                continue;
            string[] pair = line.Split(' ');
            if (pair.Length != 2 || !ids.TryGetValue(pair[0], out int left) || !ids.TryGetValue(pair[1], out int right)
                || !ids.TryGetValue(pair[0] + pair[1], out int merged)
                || !merges.Add(left, right, merges.Count, merged))
                throw new RunException(ExitCode.ModelFile,
                    $"{path}:{k + 1}: expected two pieces of the vocabulary that together are a third, once.");
        }
        return merges;
    }
}
