using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies;

/// <summary>
/// Turns a study's configuration into the artefacts of its systems: which model, which text, how long.
/// </summary>
internal sealed class StudyRuns(StudyConfig config, TokenizerArtefact tokenizer)
{
    private IEnumerable<string> HeldIn => config.Families.SelectMany(family => family.Train);

    /// <summary>Languages that a base model is pretrained on, and their shares of the tokens.</summary>
    public IReadOnlyList<LanguageConfig> BaseMixture
    {
        get
        {
            double heldIn = config.Base.HeldInShare;
            return
            [
                .. config.BaseLanguages.Select(
                    language => Language(language, (1 - heldIn) / config.BaseLanguages.Count)),
                .. heldIn == 0 ? [] : HeldIn.Select(language => Language(language, heldIn / HeldIn.Count())),
            ];
        }
    }

    /// <summary>
    /// The model that all systems start from: a folder, or one that is pretrained on the stated mixture.
    /// </summary>
    public ModelArtefact Base(ulong seed)
    {
        if (config.Base.Model.Path is { } path)
            return new GivenModel($"seed-{seed}/base", config.OutputDir, path);
        TrainingConfig training = config.Base.Training!; // the reader asked for it
        return Trained($"seed-{seed}/base", Run(seed, training, BaseMixture) with
        {
            Model = config.Base.Model,
        });
    }

    public ModelArtefact Dense(ulong seed, ModelArtefact origin)
    {
        TrainingConfig training = config.Training.Dense;
        TrainingConfig expert = config.Training.Expert;
        if (training is { MaxSteps: 0, MaxTokens: 0 })
            training = training with
            {
                MaxTokens = expert.MaxTokens * config.Families.Count,
                MaxSteps = expert.MaxSteps * config.Families.Count,
            };
        return Trained($"seed-{seed}/dense", Continued(seed, training, HeldIn, origin), origin);
    }

    public ModelArtefact Expert(ulong seed, FamilyConfig family, ModelArtefact origin) =>
        Trained($"seed-{seed}/expert-{family.Name}", OnFamily(seed, family, origin), origin);

    public ModelArtefact Frozen(ulong seed, FamilyConfig family, ModelArtefact origin) =>
        Trained($"seed-{seed}/freeze-{family.Name}", OnFamily(seed, family, origin) with
        {
            Alignment = config.Alignment with { L2Sp = null },
        }, origin);

    public ModelArtefact Pulled(ulong seed, FamilyConfig family, ModelArtefact origin) =>
        Trained($"seed-{seed}/l2_sp-{family.Name}", OnFamily(seed, family, origin) with
        {
            Alignment = config.Alignment with { Freeze = null },
        }, origin);

    public ModelArtefact Reverted(ulong seed, string name, ModelArtefact trained, ModelArtefact origin) =>
        new RevertedModel($"seed-{seed}/{name}", config.OutputDir, trained, origin, config.Alignment);

    public ModelArtefact Soup(ulong seed, IReadOnlyList<ModelArtefact> experts) =>
        new SoupModel($"seed-{seed}/soup", config.OutputDir, experts);

    public EvaluatedModel Evaluation(StudyModel model, ModelArtefact origin) =>
        new(config, model, origin, tokenizer);

    private RunConfig OnFamily(ulong seed, FamilyConfig family, ModelArtefact origin) =>
        Continued(seed, config.Training.Expert, family.Train, origin);

    private RunConfig Continued(
        ulong seed, TrainingConfig training, IEnumerable<string> languages, ModelArtefact origin) =>
        Run(seed, training, languages.Select(language => Language(language, null))) with
        {
            Model = new ModelSource { Path = origin.ModelFolder },
        };

    private RunConfig Run(ulong seed, TrainingConfig training, IEnumerable<LanguageConfig> languages) => new()
    {
        Seed = seed,
        Device = config.Device,
        Threads = config.Threads,
        Precision = config.Precision,
        Tokenizer = tokenizer.Location,
        Data = config.Data with { Languages = [.. languages] },
        Training = training,
        Alignment = config.Alignment with { Freeze = null, L2Sp = null },
    };

    private LanguageConfig Language(string name, double? weight) => config.TextOf(name) with { Weight = weight };

    private TrainedModel Trained(string name, RunConfig run, params IReadOnlyList<Artefact> inputs) =>
        new(name, config.OutputDir, run, [tokenizer, .. inputs]);
}
