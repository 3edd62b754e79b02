using static FastCpt.Engine.Config.ConfigContainers;

namespace FastCpt.Engine.Config;

/// <summary>The encoder that all strategies start from: a folder, or a recipe and how it is pretrained.</summary>
public sealed record EncoderBaseConfig
{
    public ModelSource Model { get; init; } = new();

    /// <summary>Null where the model has a path.</summary>
    public TrainingConfig? Training { get; init; }

    /// <summary>What the recipe is pretrained on; null: the training sentences of the study.</summary>
    public DataConfig? Data { get; init; }

    internal static readonly Section<EncoderBaseConfig> Section = new Section<EncoderBaseConfig>(new())
        .Add("model", ModelSource.Section, c => c.Model, (c, v) => c with { Model = v },
            "The folder of an encoder, or a recipe to pretrain one by.", isRequired: true)
        .Add("training", Optional(TrainingConfig.Section), c => c.Training, (c, v) => c with { Training = v },
            "How the recipe is pretrained to predict masked tokens.")
        .Add("data", Optional(DataConfig.Section), c => c.Data, (c, v) => c with { Data = v },
            "Text that the recipe is pretrained on; null: the training sentences of the study.")
        .Check(c => c.Model.Path is not null && (c.Training is not null || c.Data is not null)
                ? (c.Training is not null ? "training" : "data",
                    "the encoder exists already; remove the key, or give a recipe.")
            : c.Model.Path is null && c.Training is null
                ? ("training", "a recipe is pretrained first; say how.")
            : null);
}
