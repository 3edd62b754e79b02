using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>Values that belong together. lora-sharing.md 1.4.</summary>
public enum SlotPreset
{
    /// <summary>What the paper says, and where it says nothing, our defaults.</summary>
    Paper,

    /// <summary>Three epochs at larger rates. Ours.</summary>
    Fast,

    /// <summary>Seconds, on tiny encoders.</summary>
    Smoke,
}

/// <summary>How one language's run of slot filling trains, whole models and adapters alike.</summary>
public sealed record SlotTrainingConfig
{
    public SlotPreset Preset { get; init; }
    public int Epochs { get; init; } = 100;

    /// <summary>Sentences of one update.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The peak, of whole models.</summary>
    public double LearningRate { get; init; } = 5e-6;

    /// <summary>The peak, of adapters.</summary>
    public double LoraLearningRate { get; init; } = 5e-6;

    public Scheduler Scheduler { get; init; } = Scheduler.Linear;
    public int WarmupSteps { get; init; }
    public double WeightDecay { get; init; }
    public double AdamBeta1 { get; init; } = 0.9;
    public double AdamBeta2 { get; init; } = 0.999;
    public double AdamEpsilon { get; init; } = 1e-8;
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>Epochs in a row without a better dev F1; 0 never stops early. The best epoch is kept either way.
    /// </summary>
    public int Patience { get; init; } = 5;

    /// <summary>Updates between two checkpoints of a learner; a stop saves as well. 0: only a stop does.</summary>
    public int SaveSteps { get; init; } = 1000;

    /// <summary>The values that a preset stands for.</summary>
    public static SlotTrainingConfig Of(SlotPreset preset) => preset switch
    {
        SlotPreset.Fast => new SlotTrainingConfig
        {
            Preset = preset, Epochs = 3, LearningRate = 2e-5, LoraLearningRate = 3e-4,
        },
        SlotPreset.Smoke => new SlotTrainingConfig
        {
            Preset = preset, Epochs = 4, BatchSize = 8, LearningRate = 3e-3, LoraLearningRate = 1e-2, Patience = 2,
        },
        _ => new SlotTrainingConfig(),
    };

    /// <summary>The keys; those that are not given are the preset's.</summary>
    internal static readonly ConfigType<SlotTrainingConfig> Section = new WithPreset();

    private static Section<SlotTrainingConfig> Table(SlotPreset preset) => Optimizer(Length(new(Of(preset))))
        .Check(c => c.Scheduler == Scheduler.Wsd
            ? ("scheduler", "wsd has no length of its own here; take linear, cosine or constant.") : null);

    private static Section<SlotTrainingConfig> Length(Section<SlotTrainingConfig> table) => table
        .Add("preset", Choice<SlotPreset>(), c => c.Preset, (c, v) => c with { Preset = v },
            "What keys are that are not given: paper, fast (3 epochs, larger rates) or smoke (tiny encoders).")
        .Add("epochs", Int(1, 1 << 20), c => c.Epochs, (c, v) => c with { Epochs = v },
            "Passes over a language's training sentences at most.")
        .Add("patience", Int(0), c => c.Patience, (c, v) => c with { Patience = v },
            "Epochs in a row without a better dev F1 that end a language's training; 0: never. The best epoch is kept.")
        .Add("batch_size", Int(1, 1 << 16), c => c.BatchSize, (c, v) => c with { BatchSize = v },
            "Sentences of one update.")
        .Add("learning_rate", NumberAbove(0, 10), c => c.LearningRate, (c, v) => c with { LearningRate = v },
            "The peak where a whole model is trained.")
        .Add("lora_learning_rate", NumberAbove(0, 10), c => c.LoraLearningRate,
            (c, v) => c with { LoraLearningRate = v }, "The peak where an adapter is trained.")
        .Add("save_steps", Int(0), c => c.SaveSteps, (c, v) => c with { SaveSteps = v },
            "Updates between two checkpoints of a language's training, which go when it ends; 0: only at a stop.");

    private static Section<SlotTrainingConfig> Optimizer(Section<SlotTrainingConfig> table) => table
        .Add("scheduler", Choice<Scheduler>(), c => c.Scheduler, (c, v) => c with { Scheduler = v },
            "After the warm-up: linear or cosine to 0 at the last epoch, or constant; it restarts with each language.")
        .Add("warmup_steps", Int(0), c => c.WarmupSteps, (c, v) => c with { WarmupSteps = v },
            "Updates over which the rate rises from 0 to its peak.")
        .Add("weight_decay", Number(0, 10), c => c.WeightDecay, (c, v) => c with { WeightDecay = v },
            "Decoupled decay of matrices; biases have none.")
        .Add("adam_beta1", Number(0, 0.9999999), c => c.AdamBeta1, (c, v) => c with { AdamBeta1 = v },
            "Memory of the mean gradient.")
        .Add("adam_beta2", Number(0, 0.9999999), c => c.AdamBeta2, (c, v) => c with { AdamBeta2 = v },
            "Memory of the mean squared gradient.")
        .Add("adam_epsilon", NumberAbove(0, 1), c => c.AdamEpsilon, (c, v) => c with { AdamEpsilon = v },
            "What is added to the root of the mean squared gradient.")
        .Add("max_grad_norm", Number(0), c => c.MaxGradNorm, (c, v) => c with { MaxGradNorm = v },
            "Global norm that a language's gradient is clipped to; 0: no clipping.");

    private sealed class WithPreset : ConfigType<SlotTrainingConfig>
    {
        private readonly Section<SlotTrainingConfig>[] _tables = [.. Enum.GetValues<SlotPreset>().Select(Table)];

        private Section<SlotTrainingConfig> Full => _tables[0];

        public override SlotTrainingConfig Read(YamlNode node, ConfigPaths paths) =>
            node.Kind == YamlKind.Map && node.Find("preset") is { } preset
                ? _tables[(int)Choice<SlotPreset>().Read(preset, paths)].Read(node, paths)
                : Full.Read(node, paths);

        public override JsonNode? ToJson(SlotTrainingConfig value) => Full.ToJson(value);

        public override JsonObject Schema() => Full.Schema();

        public override IEnumerable<(string Path, string Description)> Descriptions() => Full.Descriptions();
    }
}
