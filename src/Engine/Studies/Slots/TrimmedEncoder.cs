using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>An encoder without the pieces that no training sentence of the study has.</summary>
internal sealed class TrimmedEncoder(
    AdapterStudyConfig config, TokenizerArtefact tokenizer, ModelArtefact encoder)
    : ModelArtefact("trimmed", config.OutputDir, tokenizer, encoder)
{
    protected override JsonObject Recipe() => new()
    {
        ["max_length"] = config.Data.MaxLength,
        ["train_rows"] = config.Data.TrainRows,
        ["labels"] = EnumWord.Of(config.Data.Labels),
        ["texts"] = new JsonArray([.. config.Data.Locales.Select(
            locale => (JsonNode)$"{locale} {HashOf(config.Data.FileOf(locale))}")]),
    };

    protected override void MakeContent(StudyRun run)
    {
        Tokenizer pieces = Tokenizer.Load(tokenizer.Location);
        if (pieces is TrimmedTokenizer)
            throw new RunException(
                ExitCode.Config,
                $"{tokenizer.Location}: the vocabulary is trimmed already. Remove trim_vocabulary, or start from the "
                + "whole encoder.");
        var sentences = new SlotSentences(config.Data, pieces, config.Data.MaxLength, config.Threads);
        var used = new bool[pieces.VocabularySize];
        foreach (string locale in config.Data.Locales)
            sentences.Of(locale, Partition.Train).MarkPieces(used);
        TrimmedVocabulary vocabulary = TrimmedVocabulary.Of(pieces, used);
        run.Say($"keeping {vocabulary.Count} of {pieces.VocabularySize} pieces");
        if (Directory.Exists(ModelFolder))
            run.Files.DeleteFolder(ModelFolder);
        VocabularyTrimming.Write(encoder.ModelFolder, vocabulary, ModelFolder, run.Say, run.Stop);
    }
}
