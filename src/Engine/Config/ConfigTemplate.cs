using System.Text.Json.Nodes;

namespace FastCpt.Engine.Config;

/// <summary>Commented configurations to start from: every key, its default, and what it means.</summary>
public static class ConfigTemplate
{
    /// <summary>A run that trains an existing model on two languages.</summary>
    public static string Run() => Commented(RunConfig.Section, new RunConfig
    {
        OutputDir = "runs/example",
        Model = new ModelSource { Path = "models/base" },
        Tokenizer = "models/base",
        Data = new DataConfig
        {
            Languages =
            [
                new LanguageConfig { Name = "hr", Files = ["texts/hr.jsonl.gz"] },
                new LanguageConfig { Name = "ru", Files = ["texts/ru.jsonl.gz"] },
            ],
        },
        Training = new TrainingConfig { MaxSteps = 1000, WarmupSteps = 50 },
        Alignment = new AlignmentConfig { L2Sp = new L2SpConfig { Other = 0.001 } },
    });

    /// <summary>A study of all systems on two families, its base model pretrained.</summary>
    public static string Study() => Commented(StudyConfig.Section, new StudyConfig
    {
        Name = "example",
        OutputDir = "runs/example",
        Families =
        [
            new FamilyConfig { Name = "slavic", Train = ["hr", "ru"], HeldOut = ["cs", "pl"] },
            new FamilyConfig { Name = "germanic", Train = ["nl", "da"], HeldOut = ["sv", "nb"] },
        ],
        BaseLanguages = ["en", "fr", "el"],
        Files = "samples/{language}.jsonl.gz",
        Tokenizer = new TokenizerConfig { VocabularySize = 4096, BalancedScripts = true },
        Base = new BaseConfig
        {
            Model = new ModelSource
            {
                Architecture = "gemma3",
                HiddenSize = 128,
                NumHiddenLayers = 6,
                NumAttentionHeads = 4,
                NumKeyValueHeads = 2,
                HeadDim = 32,
                IntermediateSize = 512,
                SlidingWindow = 128,
            },
            Training = new TrainingConfig { MaxTokens = 2_000_000, LearningRate = 2e-3, WarmupSteps = 50 },
        },
        Training = new StudyTrainingConfig
        {
            Dense = new TrainingConfig { LearningRate = 5e-4, WarmupSteps = 20 },
            Expert = new TrainingConfig { MaxTokens = 300_000, LearningRate = 5e-4, WarmupSteps = 10 },
        },
    });

    /// <summary>A study of sharing strategies on four languages, with an encoder that exists.</summary>
    public static string AdapterStudy() => Commented(AdapterStudyConfig.Section, new AdapterStudyConfig
    {
        Name = "example",
        OutputDir = "runs/example",
        Data = new SlotDataConfig
        {
            Files = "massive/{locale}.jsonl.gz", Locales = ["en-US", "de-DE", "zh-CN", "th-TH"],
        },
        Base = new EncoderBaseConfig { Model = new ModelSource { Path = "models/xlm-roberta-base" } },
        Orders = [new OrderConfig(), new OrderConfig { Name = "destructive_first" }],
        ParallelAdapters = 4,
    });

    private static string Commented<T>(Section<T> section, T example) =>
        ConfigText.Yaml((JsonObject)section.ToJson(example)!,
            section.Descriptions().DistinctBy(entry => entry.Path)
                .ToDictionary(entry => entry.Path, entry => entry.Description));
}
