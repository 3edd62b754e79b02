using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>A comparison of systems over families of languages, every value resolved and every path full.</summary>
public sealed record StudyConfig
{
    private const string Kind = "families";
    private const string LanguageMark = "{language}";

    public string Name { get; init; } = "";
    public string OutputDir { get; init; } = "";
    public IReadOnlyList<ulong> Seeds { get; init; } = [42];
    public string Device { get; init; } = "auto";

    /// <summary>0 takes every core.</summary>
    public int Threads { get; init; }

    public Precision Precision { get; init; } = Precision.Auto;
    public IReadOnlyList<FamilyConfig> Families { get; init; } = [];
    public IReadOnlyList<string> BaseLanguages { get; init; } = [];

    /// <summary>Path of a language's text, with {language} in the place of its name.</summary>
    public string Files { get; init; } = "";

    public TokenizerConfig Tokenizer { get; init; } = new();
    public BaseConfig Base { get; init; } = new();

    /// <summary>Without languages: those are the families' and the base's.</summary>
    public DataConfig Data { get; init; } = new();

    public IReadOnlyList<StudySystem> Systems { get; init; } = Enum.GetValues<StudySystem>();
    public StudyTrainingConfig Training { get; init; } = new();

    /// <summary>Freeze is read by the system freeze, L2Sp by the system l2_sp, the groups by all.</summary>
    public AlignmentConfig Alignment { get; init; } = DefaultAlignment;

    public EvaluationConfig Evaluation { get; init; } = new();

    /// <summary>Reads one file.</summary>
    /// <exception cref="RunException">The file or a value is refused; the message names the place.</exception>
    public static StudyConfig Load(string path) => Load(new ConfigLayers().AddFile(path));

    /// <summary>Reads merged layers.</summary>
    /// <exception cref="RunException">A value is refused; the message names the place.</exception>
    public static StudyConfig Load(ConfigLayers layers) => Section.Read(layers.Merged, layers.Paths);

    /// <summary>Path of a language's text.</summary>
    public string FileOf(string language) => Files.Replace(LanguageMark, language, StringComparison.Ordinal);

    /// <summary>A language's text; one that an expert is trained on has its share of the family's budget.</summary>
    public LanguageConfig TextOf(string language)
    {
        FamilyConfig? family = Families.FirstOrDefault(one => one.Train.Contains(language));
        return new LanguageConfig
        {
            Name = language,
            Files = [FileOf(language)],
            BudgetTokens = family is null ? 0 : family.BudgetTokens / family.Train.Count,
        };
    }

    /// <summary>Every value, defaults included, as JSON that <see cref="Load(string)"/> reads back.</summary>
    public JsonObject ToJson() => (JsonObject)Section.ToJson(this)!;

    /// <summary>The same as YAML.</summary>
    public string ToYaml() => ConfigText.Yaml(ToJson());

    /// <summary>JSON Schema of the files that <see cref="Load(string)"/> reads.</summary>
    public static string Schema() => ConfigText.Schema(Section, "FastCpt study");

    private static AlignmentConfig DefaultAlignment { get; } = new()
    {
        Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] },
        L2Sp = new L2SpConfig { Other = new L2SpConfig().First },
    };

    internal static readonly Section<StudyConfig> Section = Comparison(Setting(new(new StudyConfig())))
        .Check(c => c.ProblemOfLanguages() ?? c.ProblemOfSystems() ?? c.ProblemOfBatches())
        .Complete(c => c.Tokenizer is { Path: null, VocabularySize: null }
            ? c with { Tokenizer = c.Tokenizer with { Path = c.Base.Model.Path } } : c);

    private static Section<StudyConfig> Setting(Section<StudyConfig> table) => table
        .Add("kind", Word(Kind), _ => Kind, (c, _) => c, "What is studied: experts of families.")
        .Add("name", ConfigTypes.Name, c => c.Name, (c, v) => c with { Name = v },
            "What reports call the study.", isRequired: true)
        .Add("output_dir", FilePath, c => c.OutputDir, (c, v) => c with { OutputDir = v },
            "Folder of everything that the study makes.", isRequired: true)
        .Add("seeds", List(ConfigTypes.Seeds), c => c.Seeds, (c, v) => c with { Seeds = v },
            "Every system is trained once for each seed; data.split_seed decides the split for all.")
        .Add("device", Devices, c => c.Device, (c, v) => c with { Device = v },
            "What computes: auto takes the best there is, reference is the slow specification.")
        .Add("threads", Int(0, 1024), c => c.Threads, (c, v) => c with { Threads = v },
            "Threads that compute; results do not depend on it. 0: every core.")
        .Add("precision", Precisions, c => c.Precision, (c, v) => c with { Precision = v },
            "fp32, bf16 (masters and moments in fp32) or pure_bf16 (no masters); auto suits the device.")
        .Add("families", Map(FamilyConfig.Section, c => c.Name, (c, name) => c with { Name = name }),
            c => c.Families, (c, v) => c with { Families = v },
            "Languages by family; each family has an expert.", isRequired: true)
        .Add("base_languages", List(ConfigTypes.Name), c => c.BaseLanguages, (c, v) => c with { BaseLanguages = v },
            "What the base model knows and the systems should not forget.")
        .Add("files", FilePath, c => c.Files, (c, v) => c with { Files = v },
            "Path of a language's text, with {language} in the place of its name.", isRequired: true);

    private static Section<StudyConfig> Comparison(Section<StudyConfig> table) => table
        .Add("tokenizer", TokenizerConfig.Section, c => c.Tokenizer, (c, v) => c with { Tokenizer = v },
            "One tokenizer for all systems; that of the base model's folder if not given.")
        .Add("base", BaseConfig.Section, c => c.Base, (c, v) => c with { Base = v },
            "The model that all systems start from.", isRequired: true)
        .Add("data", DataConfig.WithoutLanguages, c => c.Data, (c, v) => c with { Data = v },
            "How documents become rows.")
        .Add("systems",
            List(Choice<StudySystem>()), c => c.Systems, (c, v) => c with { Systems = v },
            "What is compared with the base; what a system is made from is made as well.")
        .Add("training", StudyTrainingConfig.Section, c => c.Training, (c, v) => c with { Training = v },
            "How dense and the experts are trained; `shared` holds for both.", isRequired: true)
        .Add("alignment", AlignmentConfig.Table(DefaultAlignment), c => c.Alignment,
            (c, v) => c with { Alignment = v }, "The layer groups, and how the systems freeze and l2_sp are held.")
        .Add("evaluation", EvaluationConfig.Section, c => c.Evaluation, (c, v) => c with { Evaluation = v },
            "On how much text the systems are compared.");

    private (string Key, string Message)? ProblemOfLanguages()
    {
        if (Families.Count == 0)
            return ("families", "the map is empty; name at least one family.");
        if (!Files.Contains(LanguageMark, StringComparison.Ordinal))
            return ("files", $"the path has no {LanguageMark} in it, so every language would have the same text.");
        var roles = new Dictionary<string, string>();
        foreach (var (language, role) in BaseLanguages.Select(code => (code, "a base language"))
            .Concat(Families.SelectMany(family => family.Train, (f, code) => (code, $"held in by {f.Name}")))
            .Concat(Families.SelectMany(family => family.HeldOut, (f, code) => (code, $"held out by {f.Name}"))))
            if (!roles.TryAdd(language, role))
                return (roles.Count < BaseLanguages.Count ? "base_languages" : "families",
                    $"'{language}' is {roles[language]} and {role}; a language has one role.");
        if (Base.Model.Path is null && BaseLanguages.Count == 0 && Base.HeldInShare < 1)
            return ("base_languages", "a base model that is pretrained needs languages to learn.");
        return null;
    }

    private (string Key, string Message)? ProblemOfBatches()
    {
        int trained = Math.Max(Training.Dense.BatchSize, Training.Expert.BatchSize);
        return Data.ProblemOfBatch(trained) is { } training ? ("training", training)
            : Data.ProblemOfBatch(Base.Training?.BatchSize ?? 1) is { } pretraining ? ("base", pretraining)
            : Data.ProblemOfBatch(Evaluation.BatchSize) is { } evaluation ? ("evaluation", evaluation)
            : null;
    }

    private (string Key, string Message)? ProblemOfSystems()
    {
        if (Seeds.Count == 0 || Seeds.Distinct().Count() < Seeds.Count)
            return ("seeds", "the list is empty or names a seed twice.");
        if (Systems.Count == 0 || Systems.Distinct().Count() < Systems.Count)
            return ("systems", "the list is empty or names a system twice.");
        if (Systems.Contains(StudySystem.Freeze) && Alignment.Freeze is null)
            return ("alignment", "the system freeze needs alignment.freeze.");
        if (Systems.Contains(StudySystem.L2Sp) && Alignment.L2Sp is null)
            return ("alignment", "the system l2_sp needs alignment.l2_sp.");
        if (Base.Model.Path is not null && Tokenizer.VocabularySize.HasValue)
            return ("tokenizer", "the base model has its own vocabulary; a tokenizer cannot be trained for it.");
        if (Base.Model.Path is null && Tokenizer is { Path: null, VocabularySize: null })
            return ("tokenizer", "a base model that is pretrained needs a tokenizer: a path or a vocabulary_size.");
        return null;
    }
}
