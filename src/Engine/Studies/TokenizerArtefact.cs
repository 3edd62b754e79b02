using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Studies;

/// <summary>The one tokenizer of a study's systems.</summary>
public abstract class TokenizerArtefact(string studyFolder) : Artefact("tokenizer", studyFolder)
{
    /// <summary>Folder or file.</summary>
    public abstract string Location { get; }
}

/// <summary>A tokenizer that exists already; it stays where it is.</summary>
public sealed class GivenTokenizer(string studyFolder, string path) : TokenizerArtefact(studyFolder)
{
    public override string Location => path;

    protected override JsonObject Recipe() => new() { ["sha256"] = Tokenizer.Load(path).Sha256 };

    protected override void MakeContent(StudyRun run)
    {
    }
}

/// <summary>Byte-level BPE of base and held-in training text, equal bytes per language.</summary>
public sealed class StudyTokenizer(StudyConfig config) : TokenizerArtefact(config.OutputDir)
{
    public override string Location => Folder;

    private IEnumerable<string> Languages =>
        config.BaseLanguages.Concat(config.Families.SelectMany(family => family.Train));

    protected override JsonObject Recipe() => new()
    {
        ["vocabulary_size"] = config.Tokenizer.VocabularySize,
        ["balanced_scripts"] = config.Tokenizer.BalancedScripts,
        ["bytes_per_language"] = config.Tokenizer.BytesPerLanguage,
        ["split_seed"] = config.Data.SplitSeed,
        ["validation_share"] = config.Data.ValidationShare,
        ["max_bad_lines"] = config.Data.MaxBadLines,
        ["text_field"] = config.Data.TextField,
        ["texts"] = new JsonArray([.. Languages.Select(
            language => (JsonNode)$"{language} {HashOf(config.FileOf(language))}")]),
    };

    protected override void MakeContent(StudyRun run)
    {
        LanguageText[] texts = [.. Languages.Select(language =>
            Corpora.Text(config.Data, language, [config.FileOf(language)]))];
        long bytes = texts.Min(text => CorpusText.TrainingBytes(text, run.Stop));
        if (config.Tokenizer.BytesPerLanguage > 0)
            bytes = Math.Min(bytes, config.Tokenizer.BytesPerLanguage);
        run.Say($"tokenizer: {config.Tokenizer.VocabularySize} pieces of {bytes} bytes per language");
        TrainedTokenizer trained = BpeTrainer.Train(
            texts.SelectMany(text => CorpusText.Training(text, bytes, run.Stop)),
            new BpeTrainerOptions
            {
                VocabularySize = config.Tokenizer.VocabularySize!.Value, // the graph asks for one only then
                BalancedScripts = config.Tokenizer.BalancedScripts,
            },
            run.Stop);
        AtomicFile.Write(Path.Combine(Folder, "tokenizer.json"), trained.TokenizerJson, run.Files);
        AtomicFile.Write(Path.Combine(Folder, "tokenizer_config.json"), trained.TokenizerConfig, run.Files);
    }
}
