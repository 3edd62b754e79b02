using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;

namespace FastCpt.Engine.Studies;

/// <summary>What the training runs of a study will need; nothing is made.</summary>
public static class StudyPlan
{
    /// <summary>Every run, in the order in which the study makes them.</summary>
    /// <exception cref="RunException">Exit 4: a base model or a tokenizer that is given cannot be read.</exception>
    public static IReadOnlyList<(TrainedModel Run, RunPlan Plan)> Of(StudyConfig config)
    {
        ModelConfig model = ModelOf(config);
        return [.. new StudyGraph(config).Artefacts.OfType<TrainedModel>()
            .Select(run => (run, RunPlan.Of(run.Config, model)))];
    }

    private static ModelConfig ModelOf(StudyConfig config)
    {
        if (config.Base.Model.Path is { } path)
            return ModelConfigReader.Read(Path.Combine(path, ModelConfigReader.FileName)).Config;
        int vocabulary = config.Base.Model.VocabSize ?? config.Tokenizer.VocabularySize
            ?? Tokenizer.Load(config.Tokenizer.Path!).VocabularySize; // the reader asked for one of the three
        return ModelRecipe.ToConfig(config.Base.Model, vocabulary);
    }
}
