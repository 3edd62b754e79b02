using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>What a language has when its own adapter is not trained yet. lora-sharing.md 1.2.</summary>
public enum UntrainedPolicy
{
    /// <summary>The adapter and head that were trained last.</summary>
    Latest,

    /// <summary>No score: the cell is undefined, and so is what is averaged over it.</summary>
    Skip,

    /// <summary>The base with an untrained head.</summary>
    Base,
}

/// <summary>Which weights of whole models stay on disk once nothing needs them; adapters always stay.</summary>
public enum ModelRetention
{
    None,

    /// <summary>The last of every sequence.</summary>
    Last,

    All,
}

/// <summary>A comparison of sharing strategies on slot filling in many languages. lora-sharing.md.</summary>
public sealed record AdapterStudyConfig
{
    public const string Kind = "adapters";

    public string Name { get; init; } = "";
    public string OutputDir { get; init; } = "";
    public IReadOnlyList<ulong> Seeds { get; init; } = [1];

    /// <summary>Of further MONO runs, whose spread says which differences can be seen.</summary>
    public IReadOnlyList<ulong> MonoSeeds { get; init; } = [];

    /// <summary>Null: the run's seed. Runs of <see cref="MonoSeeds"/> have their own all the same.</summary>
    public ulong? InitSeed { get; init; }

    /// <inheritdoc cref="InitSeed"/>
    public ulong? DataSeed { get; init; }

    public string Device { get; init; } = "auto";

    /// <summary>0 takes every core.</summary>
    public int Threads { get; init; }

    public Precision Precision { get; init; } = Precision.Fp32;
    public SlotDataConfig Data { get; init; } = new();
    public TokenizerConfig Tokenizer { get; init; } = new();

    /// <summary>Whether pieces that no training text has are taken out of the encoder.</summary>
    public bool TrimVocabulary { get; init; }

    public EncoderBaseConfig Base { get; init; } = new();
    public IReadOnlyList<SharingStrategy> Strategies { get; init; } = PaperStrategies;
    public GroupingConfig Grouping { get; init; } = new();
    public AdapterKind Adapter { get; init; }
    public LoraStudyConfig Lora { get; init; } = new();
    public IReadOnlyList<OrderConfig> Orders { get; init; } = [new()];
    public SlotTrainingConfig Training { get; init; } = new();

    /// <summary>Adapters that are trained at once over the frozen encoder; results do not depend on it.</summary>
    public int ParallelAdapters { get; init; } = 1;

    /// <summary>Tokens, about, of a pass that trains several: enough that weights are packed seldom, few enough that
    /// memory is not touched for long. Measured at XLM-R base's shape on two cores.</summary>
    public int PassTokens { get; init; } = 2048;

    public UntrainedPolicy Untrained { get; init; }
    public ModelRetention Keep { get; init; } = ModelRetention.Last;

    /// <summary>Tokens of a pass that only scores.</summary>
    public int EvaluationTokens { get; init; } = 8192;

    /// <summary>What heads and adapters of a run are drawn by.</summary>
    public ulong InitSeedOf(ulong seed) => MonoSeeds.Contains(seed) ? seed : InitSeed ?? seed;

    /// <summary>What a run's sentences are shuffled, and its activations dropped by.</summary>
    public ulong DataSeedOf(ulong seed) => MonoSeeds.Contains(seed) ? seed : DataSeed ?? seed;

    /// <summary>Reads one file.</summary>
    /// <exception cref="RunException">The file or a value is refused; the message names the place.</exception>
    public static AdapterStudyConfig Load(string path) => Load(new ConfigLayers().AddFile(path));

    /// <summary>Reads merged layers.</summary>
    /// <exception cref="RunException">A value is refused; the message names the place.</exception>
    public static AdapterStudyConfig Load(ConfigLayers layers) => Section.Read(layers.Merged, layers.Paths);

    /// <summary>What the numbers depend on, to be shown beside them: paths are as they are from a folder, and what only
    /// says how fast or in which memory is as by default.</summary>
    public AdapterStudyConfig OfNumbers(string folder)
    {
        AdapterStudyConfig plain = new();
        return this with
        {
            Device = plain.Device,
            Threads = plain.Threads,
            ParallelAdapters = plain.ParallelAdapters,
            PassTokens = plain.PassTokens,
            Keep = plain.Keep,
            EvaluationTokens = plain.EvaluationTokens,
            Training = Training with { SaveSteps = plain.Training.SaveSteps },
            OutputDir = Relative(OutputDir)!,
            Data = Data with { Files = Relative(Data.Files)! },
            Tokenizer = Tokenizer with { Path = Relative(Tokenizer.Path) },
            Base = Base with { Model = Base.Model with { Path = Relative(Base.Model.Path) } },
        };

        string? Relative(string? path) =>
            string.IsNullOrEmpty(path) ? path : Path.GetRelativePath(folder, path).Replace('\\', '/');
    }

    /// <summary>Every value, defaults included, as JSON that <see cref="Load(string)"/> reads back.</summary>
    public JsonObject ToJson() => (JsonObject)Section.ToJson(this)!;

    /// <summary>The same as YAML.</summary>
    public string ToYaml() => ConfigText.Yaml(ToJson());

    /// <summary>JSON Schema of the files that <see cref="Load(string)"/> reads.</summary>
    public static string Schema() => ConfigText.Schema(Section, "FastCpt study of adapters");

    private static IReadOnlyList<SharingStrategy> PaperStrategies { get; } =
    [
        SharingStrategy.Mono, SharingStrategy.Multi, SharingStrategy.Vanilla, SharingStrategy.Shared,
        SharingStrategy.NonShared,
    ];

    internal static readonly Section<AdapterStudyConfig> Section = Procedure(Material(Setting(new(new())))).Check(
        c => c.ProblemOfSeeds() ?? c.ProblemOfStrategies() ?? c.ProblemOfLocales() ?? c.ProblemOfBase());

    private static Section<AdapterStudyConfig> Setting(Section<AdapterStudyConfig> table) => table
        .Add("kind", Word(Kind), _ => Kind, (c, _) => c, "What is studied: sharing of adapters.", isRequired: true)
        .Add("name", ConfigTypes.Name, c => c.Name, (c, v) => c with { Name = v },
            "What reports call the study.", isRequired: true)
        .Add("output_dir", FilePath, c => c.OutputDir, (c, v) => c with { OutputDir = v },
            "Folder of everything that the study makes.", isRequired: true)
        .Add("seeds", List(ConfigTypes.Seeds), c => c.Seeds, (c, v) => c with { Seeds = v },
            "Every strategy is run once for each seed.")
        .Add("mono_seeds", List(ConfigTypes.Seeds), c => c.MonoSeeds, (c, v) => c with { MonoSeeds = v },
            "Seeds of further runs of mono: a difference below their spread is called not visible.")
        .Add("init_seed", OptionalValue(ConfigTypes.Seeds), c => c.InitSeed, (c, v) => c with { InitSeed = v },
            "Draws heads and adapters, but not those of mono_seeds; null: the run's seed.")
        .Add("data_seed", OptionalValue(ConfigTypes.Seeds), c => c.DataSeed, (c, v) => c with { DataSeed = v },
            "Shuffles sentences and drops activations, but not for mono_seeds; null: the run's seed.")
        .Add("device", Devices, c => c.Device, (c, v) => c with { Device = v },
            "What computes: auto takes the best there is, reference is the slow specification.")
        .Add("threads", Int(0, 1024), c => c.Threads, (c, v) => c with { Threads = v },
            "Threads that compute; results do not depend on it. 0: every core.")
        .Add("precision", Precisions, c => c.Precision, (c, v) => c with { Precision = v },
            "fp32, bf16 (masters and moments in fp32) or pure_bf16 (no masters); auto suits the device.");

    private static Section<AdapterStudyConfig> Material(Section<AdapterStudyConfig> table) => table
        .Add("data", SlotDataConfig.Section, c => c.Data, (c, v) => c with { Data = v },
            "The annotated sentences.", isRequired: true)
        .Add("tokenizer", TokenizerConfig.Section, c => c.Tokenizer, (c, v) => c with { Tokenizer = v },
            "One tokenizer for all; that of the encoder's folder if not given.")
        .Add("trim_vocabulary", Flag, c => c.TrimVocabulary, (c, v) => c with { TrimVocabulary = v },
            "Whether pieces that no training text has are taken out of the encoder.")
        .Add("base", EncoderBaseConfig.Section, c => c.Base, (c, v) => c with { Base = v },
            "The encoder that all strategies start from.", isRequired: true);

    private static Section<AdapterStudyConfig> Procedure(Section<AdapterStudyConfig> table) => table
        .Add("strategies", List(Choice<SharingStrategy>()), c => c.Strategies, (c, v) => c with { Strategies = v },
            "What is compared.")
        .Add("grouping", GroupingConfig.Section, c => c.Grouping, (c, v) => c with { Grouping = v },
            "Which languages share an adapter under the strategy grouped.")
        .Add("adapter", Choice<AdapterKind>(), c => c.Adapter, (c, v) => c with { Adapter = v },
            "lora, or with lora's ranks in its stead: bottleneck layers as wide, or prefixes as long.")
        .Add("lora", LoraStudyConfig.Section, c => c.Lora, (c, v) => c with { Lora = v },
            "The adapters of shared, non_shared, grouped and fusion.")
        .Add("orders", List(OrderConfig.Type), c => c.Orders, (c, v) => c with { Orders = v },
            "Orders of the languages: names, or `name: [locales]`; every sequence is run in each.")
        .Add("training", SlotTrainingConfig.Section, c => c.Training, (c, v) => c with { Training = v },
            "How each language is trained.")
        .Add("parallel_adapters", Int(1, 1024), c => c.ParallelAdapters, (c, v) => c with { ParallelAdapters = v },
            "Adapters that are trained at once over the frozen encoder; their bytes do not depend on it.")
        .Add("pass_tokens", Int(1, 1 << 24), c => c.PassTokens, (c, v) => c with { PassTokens = v },
            "Tokens, about, of a pass that trains adapters: more are cut between them; results do not depend on it.")
        .Add("untrained", Choice<UntrainedPolicy>(), c => c.Untrained, (c, v) => c with { Untrained = v },
            "How a language is scored before its adapter is trained: by the latest one, not at all, or by the base.")
        .Add("keep", Choice<ModelRetention>(), c => c.Keep, (c, v) => c with { Keep = v },
            "Whole models that stay on disk: none, the last of every sequence, or all. Adapters always stay.")
        .Add("evaluation_tokens", Int(1, 1 << 24), c => c.EvaluationTokens,
            (c, v) => c with { EvaluationTokens = v },
            "Tokens of a pass that scores; results do not depend on it.");

    private (string Key, string Message)? ProblemOfSeeds()
    {
        if (Seeds.Count == 0 || Seeds.Distinct().Count() < Seeds.Count)
            return ("seeds", "the list is empty or names a seed twice.");
        if (Seeds.Count > 1 && InitSeed.HasValue && DataSeed.HasValue)
            return ("seeds", "init_seed and data_seed are given, so runs of several seeds are the same run.");
        ulong[] all = [.. Seeds, .. MonoSeeds];
        return all.Distinct().Count() < all.Length
            ? ("mono_seeds", "a seed is named twice, or runs every strategy already.") : null;
    }

    private (string Key, string Message)? ProblemOfStrategies()
    {
        if (Strategies.Count == 0 || Strategies.Distinct().Count() < Strategies.Count)
            return ("strategies", "the list is empty or names a strategy twice.");
        if (Strategies.Contains(SharingStrategy.Fusion) && Adapter != AdapterKind.Bottleneck)
            return ("strategies", "fusion mixes bottlenecks: set adapter to bottleneck.");
        if (Adapter != AdapterKind.Lora && Lora.ShapesPairs)
            return ("lora", $"rsLoRA, layers, exclusions and patterns are LoRA's; adapter is {EnumWord.Of(Adapter)}.");
        string[] orders = [.. Orders.Select(order => order.Name)];
        if (orders.Length == 0 || orders.Distinct().Count() < orders.Length)
            return ("orders", "the list is empty or names an order twice.");
        return MonoSeeds.Count > 0 && !Strategies.Contains(SharingStrategy.Mono)
            ? ("mono_seeds", "mono is not among the strategies.") : null;
    }

    private (string Key, string Message)? ProblemOfLocales()
    {
        foreach (OrderConfig order in Orders)
            if (order.Locales.FirstOrDefault(locale => !Data.Locales.Contains(locale)) is { } unknown)
                return ("orders", $"'{order.Name}' has '{unknown}', which is not among data.locales.");
        if (Grouping.Groups.Count == 0)
            return null;
        string[] grouped = [.. Grouping.Groups.SelectMany(group => group.Locales)];
        if (grouped.Distinct().Count() < grouped.Length)
            return ("grouping", "a locale is in two groups.");
        return Data.Locales.FirstOrDefault(locale => !grouped.Contains(locale)) is { } missing
            ? ("grouping", $"'{missing}' is in no group.") : null;
    }

    private (string Key, string Message)? ProblemOfBase()
    {
        if (Base.Model.Path is not null && Tokenizer.VocabularySize.HasValue)
            return ("tokenizer", "the encoder has its own vocabulary; a tokenizer cannot be trained for it.");
        if (Base.Model.Path is null && Tokenizer is { Path: null, VocabularySize: null })
            return ("tokenizer", "an encoder that is pretrained needs a tokenizer: a path or a vocabulary_size.");
        return null;
    }
}
