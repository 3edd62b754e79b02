using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>One training run, every value resolved and every path full.</summary>
public sealed record RunConfig
{
    public string OutputDir { get; init; } = "";
    public ulong Seed { get; init; } = 42;
    public string Device { get; init; } = "auto";

    /// <summary>0 takes every core.</summary>
    public int Threads { get; init; }

    public Precision Precision { get; init; } = Precision.Auto;
    public ModelSource Model { get; init; } = new();

    /// <summary>Folder or file; null only where the model has a path, which then holds it.</summary>
    public string? Tokenizer { get; init; }

    public DataConfig Data { get; init; } = new();
    public TrainingConfig Training { get; init; } = new();
    public AlignmentConfig Alignment { get; init; } = new();

    /// <summary>Null where the model itself is trained.</summary>
    public AdapterConfig? Adapter { get; init; }

    /// <summary>Reads one file.</summary>
    /// <exception cref="RunException">The file or a value is refused; the message names the place.</exception>
    public static RunConfig Load(string path) => Load(new ConfigLayers().AddFile(path));

    /// <summary>Reads merged layers.</summary>
    /// <exception cref="RunException">A value is refused; the message names the place.</exception>
    public static RunConfig Load(ConfigLayers layers) => Section.Read(layers.Merged, layers.Paths);

    /// <summary>Every value, defaults included, as JSON that <see cref="Load(string)"/> reads back.</summary>
    public JsonObject ToJson() => (JsonObject)Section.ToJson(this)!;

    /// <summary>The same as YAML.</summary>
    public string ToYaml() => ConfigText.Yaml(ToJson());

    /// <summary>JSON Schema of the files that <see cref="Load(string)"/> reads.</summary>
    public static string Schema() => ConfigText.Schema(Section, "FastCpt training run");

    internal static readonly Section<RunConfig> Section = new Section<RunConfig>(new RunConfig())
        .Add("output_dir", FilePath, c => c.OutputDir, (c, v) => c with { OutputDir = v },
            "Folder of everything that the run writes.", isRequired: true)
        .Add("seed", Seeds, c => c.Seed, (c, v) => c with { Seed = v },
            "Decides the split, the order of the data, dropout and the first weights.")
        .Add("device", Devices, c => c.Device, (c, v) => c with { Device = v },
            "What computes: auto takes the best there is, reference is the slow specification.")
        .Add("threads", Int(0, 1024), c => c.Threads, (c, v) => c with { Threads = v },
            "Threads that compute; results do not depend on it. 0: every core.")
        .Add("precision", Precisions, c => c.Precision, (c, v) => c with { Precision = v },
            "fp32, bf16 (masters and moments in fp32) or pure_bf16 (no masters); auto suits the device.")
        .Add("model", ModelSource.Section, c => c.Model, (c, v) => c with { Model = v },
            "The weights that training starts from: a folder, or a recipe.", isRequired: true)
        .Add("tokenizer", Optional(FilePath), c => c.Tokenizer, (c, v) => c with { Tokenizer = v },
            "Folder or file of the tokenizer; the model's folder if not given.")
        .Add("data", DataConfig.Section, c => c.Data, (c, v) => c with { Data = v },
            "What to train on.", isRequired: true)
        .Add("training", TrainingConfig.Section, c => c.Training, (c, v) => c with { Training = v },
            "How long and how fast to train.", isRequired: true)
        .Add("alignment", AlignmentConfig.Section, c => c.Alignment, (c, v) => c with { Alignment = v },
            "What keeps the weights close to the base model while training.")
        .Add("adapter", Optional(AdapterConfig.Section), c => c.Adapter, (c, v) => c with { Adapter = v },
            "Low-rank adapters that are trained while the model is frozen; null: the model is trained.")
        .Check(c => c.Tokenizer is null && c.Model.Path is null
            ? ("tokenizer", "a model that is initialised needs the path of its tokenizer.")
            : c.Data.ProblemOfBatch(c.Training.BatchSize) is { } problem ? ("training", problem)
            : c.Adapter is null ? null
            : c.Model.Path is null
                ? ("adapter", "a model that is initialised has learned nothing to adapt; give the path of one.")
            : c.Alignment.Freeze is not null || c.Alignment.L2Sp is not null
                ? ("alignment", "adapters leave every weight of the model as it is, so there is nothing to freeze or "
                    + "to pull; remove freeze and l2_sp, or the adapter.")
            : null)
        .Complete(c => c with { Tokenizer = c.Tokenizer ?? c.Model.Path });
}
