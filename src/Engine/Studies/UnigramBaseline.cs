using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Studies;

/// <summary>
/// What a token-unigram model of the base's training text needs on the base languages, in bits per byte.
/// </summary>
/// <param name="languages">Of the base's mixture, with weights.</param>
public sealed class UnigramBaseline(
    StudyConfig config, TokenizerArtefact tokenizer, IReadOnlyList<LanguageConfig> languages)
    : Artefact("unigram", config.OutputDir, tokenizer)
{
    private const string FileName = "scores.json";

    /// <summary>Counts add up to this, so that smoothing weighs nothing.</summary>
    private const double MixtureTokens = 1e7;

    /// <summary>By base language.</summary>
    /// <exception cref="RunException">Exit 3: the file of a complete artefact was changed by hand.</exception>
    public IReadOnlyDictionary<string, double> Load()
    {
        string path = Path.Combine(Folder, FileName);
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config);
        return json.RootElement.EnumerateObject().ToDictionary(
            property => property.Name,
            property => property.Value.TryGetDouble(out double value)
                ? value
                : throw new RunException(ExitCode.Config, $"{path}: '{property.Name}' is no number."));
    }

    protected override JsonObject Recipe() => new()
    {
        ["texts"] = new JsonArray([.. languages.Select(language => (JsonNode)(
            FormattableString.Invariant($"{language.Name} {language.Weight:R} ")
            + string.Join(",", language.Files.Select(HashOf))))]),
        ["data"] = config.ToJson()["data"]!.DeepClone(), // written by ToJson
        ["max_documents"] = config.Evaluation.MaxDocuments,
    };

    protected override void MakeContent(StudyRun run)
    {
        Tokenizer pieces = Tokenizer.Load(tokenizer.Location);
        var corpora = new Corpora(
            config.Data, run.ShardFolder, pieces, run.Say, run.Stop, config.Threads, run.Files);
        var unigram = new TokenUnigram(pieces.VocabularySize);
        foreach (LanguageConfig language in languages)
        {
            using TokenShard shard = corpora.Open(language);
            // A language's tokens count as often as the mixture shows them, by the share that the graph gave it.
            double tokens = shard.Training.Sum(document => (long)document.Count);
            unigram.Add(shard, shard.Training, language.Weight!.Value * MixtureTokens / tokens);
        }

        var scores = new JsonObject();
        foreach (string language in config.BaseLanguages)
        {
            using TokenShard shard = corpora.Open(config.TextOf(language));
            scores[language] = unigram.Measure(
                language, ValidationText.Open(language, shard, config.Data.MaxSeqLength,
                    config.Evaluation.BatchSize * config.Data.MaxSeqLength, config.Evaluation.MaxDocuments,
                    config.Data.SplitSeed)).BitsPerByte;
        }

        AtomicFile.Write(
            Path.Combine(Folder, FileName), Encoding.UTF8.GetBytes(scores.ToJsonString() + "\n"), run.Files);
    }
}
