using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Data;

/// <summary>Token shards under names that say what they were made from: made once, never stale.</summary>
/// <remarks>
/// Several processes may fill one folder: one at a time makes shards, the others wait and then find them made. A shard
/// has its name when it is whole, and the same bytes whoever made it.
/// </remarks>
/// <param name="maxDocumentTokens">Ends included; the rest of a longer document is dropped.</param>
/// <param name="say">Told what becomes of each text that is tokenised.</param>
public sealed class ShardFolder(
    string folder, Tokenizer tokenizer, int maxDocumentTokens, Action<string> say, StopSignal stop, int threads,
    FileSystem? files = null)
{
    private const int NameDigits = 16;

    private readonly FileHashes _hashes = new(folder);
    private readonly FileSystem _files = files ?? FileSystem.Real;

    /// <summary>The shard of a language, made where it is missing.</summary>
    /// <exception cref="RunException">Exit 3: the text is refused. 6: the disk. 130, 143: stopped.</exception>
    public TokenShard Open(LanguageText language)
    {
        string path = Path.Combine(folder, $"{language.Code}-{Identity(language)[..NameDigits]}.shard");
        if (!File.Exists(path))
        {
            _files.EnsureFolder(folder);
            using RunLock held = RunLock.Wait(folder, stop);
            Leftovers.Sweep(folder, held, _files, say);
            if (!File.Exists(path))
                Make(language, path);
        }

        return TokenShard.Open(path, tokenizer);
    }

    private void Make(LanguageText language, string path)
    {
        CorpusSummary made = new CorpusTokenizer(
            language, tokenizer, maxDocumentTokens, stop, threads, _files).Write(path);
        say(string.Create(
            CultureInfo.InvariantCulture,
            $"tokenised {language.Code}: {made.TrainingTokens} tokens of {made.TrainingDocuments} documents to "
            + $"train, {made.ValidationTokens} of {made.ValidationDocuments} to validate, "
            + $"{made.BadLines} bad lines"));
        foreach (string example in made.BadLineExamples)
            say($"  passed over {example}");
    }

    /// <summary>Hash of the bytes of the text and of all that decides what becomes of them.</summary>
    private string Identity(LanguageText language)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string settings = string.Create(
            CultureInfo.InvariantCulture,
            $"shard 1|{language.Code}|{language.HeldOut}|{language.Budget}|{language.MaxBadLines}|{language.Seed}|"
            + $"{language.ValidationShare:R}|{language.TextField}|{tokenizer.Sha256}|{maxDocumentTokens}");
        hash.AppendData(Encoding.UTF8.GetBytes(settings));
        foreach (string file in language.Files)
            hash.AppendData(Encoding.UTF8.GetBytes("|" + _hashes.Of(file)));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
