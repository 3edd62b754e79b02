using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>The model that all systems of a study start from: a folder, or a recipe and how it is pretrained.</summary>
public sealed record BaseConfig
{
    public ModelSource Model { get; init; } = new();

    /// <summary>Share of the tokens that the held-in languages have together; base languages have the rest.</summary>
    public double HeldInShare { get; init; } = 0.1;

    /// <summary>Null where the model has a path.</summary>
    public TrainingConfig? Training { get; init; }

    internal static readonly Section<BaseConfig> Section = new Section<BaseConfig>(new BaseConfig())
        .Add("model", ModelSource.Section, c => c.Model, (c, v) => c with { Model = v },
            "The folder of the base model, or a recipe to pretrain one by.", isRequired: true)
        .Add("held_in_share", Number(0, 1), c => c.HeldInShare, (c, v) => c with { HeldInShare = v },
            "Share of the tokens from all held-in languages together while pretraining; base languages have the rest.")
        .Add("training", Optional(TrainingConfig.Section), c => c.Training, (c, v) => c with { Training = v },
            "How the recipe is pretrained.")
        .Check(c => c.Model.Path is not null && c.Training is not null
                ? ("training", "the base model exists already; remove its training, or give a recipe.")
            : c.Model.Path is null && c.Training is null
                ? ("training", "a recipe is pretrained first; say how.")
            : null);
}
