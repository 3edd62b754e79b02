using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>How long and how fast to train; counts that are 0 mean "no limit" or "never", as each key says.</summary>
public sealed record TrainingConfig
{
    public int MaxSteps { get; init; }
    public long MaxTokens { get; init; }
    public int BatchSize { get; init; } = 8;
    public int GradientAccumulationSteps { get; init; } = 1;
    public double LearningRate { get; init; } = 2e-5;
    public Scheduler Scheduler { get; init; } = Scheduler.Cosine;
    public int WarmupSteps { get; init; }
    public int DecaySteps { get; init; }
    public double MinLearningRate { get; init; }
    public double WeightDecay { get; init; } = 0.01;
    public double AdamBeta1 { get; init; } = 0.9;
    public double AdamBeta2 { get; init; } = 0.999;
    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>0 does not clip.</summary>
    public double MaxGradNorm { get; init; } = 1;

    public int EvalSteps { get; init; } = 500;
    public int EvalDocuments { get; init; }
    public int SaveSteps { get; init; } = 1000;
    public int SaveTotalLimit { get; init; } = 5;
    public bool SaveAsync { get; init; }
    public int MaxSaveErrors { get; init; }

    /// <summary>Null trains to the end.</summary>
    public EarlyStoppingConfig? EarlyStopping { get; init; }

    public NonFinitePolicy OnNonfinite { get; init; } = NonFinitePolicy.Stop;
    public int MaxNonfiniteSkips { get; init; } = 3;
    public DivergenceConfig Divergence { get; init; } = new();
    public bool ActivationRecompute { get; init; }
    public double MaxWallMinutes { get; init; }
    public int LogSteps { get; init; } = 10;

    internal static readonly Section<TrainingConfig> Section = Table().Check(c =>
        c.MaxSteps == 0 && c.MaxTokens == 0 ? ("max_steps", "give max_steps or max_tokens, so that the run ends.")
        : c.Problem());

    /// <summary>The same keys where the length may come from elsewhere.</summary>
    internal static readonly Section<TrainingConfig> WithoutLength = Table().Check(c => c.Problem());

    private (string Key, string Message)? Problem()
    {
        if (MaxSteps > 0 && MaxTokens > 0)
            return ("max_tokens", "there is a limit in steps as well; give one of the two.");
        if (MaxSteps > 0 && (long)WarmupSteps + DecaySteps > MaxSteps)
            return ("warmup_steps", $"{WarmupSteps} steps of warm-up and {DecaySteps} of decay are more than the "
                + $"{MaxSteps} of the run.");
        if (MinLearningRate > LearningRate)
            return ("min_learning_rate", $"{MinLearningRate} is above the learning rate {LearningRate}.");
        if (DecaySteps > 0 && Scheduler != Scheduler.Wsd)
            return ("decay_steps", "only the scheduler wsd has a decay of its own length; remove the key.");
        if (DecaySteps == 0 && Scheduler == Scheduler.Wsd)
            return ("decay_steps", "the scheduler wsd needs the number of its last steps that decay.");
        if (EarlyStopping is not null && EvalSteps == 0)
            return ("early_stopping", "it judges evaluations, but eval_steps is 0.");
        return null;
    }

    private static Section<TrainingConfig> Table() => Output(Optimizer(Length(new(new TrainingConfig()))));

    private static Section<TrainingConfig> Length(Section<TrainingConfig> table) => table
        .Add("max_steps", Int(0), c => c.MaxSteps, (c, v) => c with { MaxSteps = v },
            "Updates of the weights; 0: max_tokens decides.")
        .Add("max_tokens", Long(0), c => c.MaxTokens, (c, v) => c with { MaxTokens = v },
            "Tokens that are predicted while training, rounded up to whole steps; 0: max_steps decides.")
        .Add("batch_size", Int(1, 1 << 20), c => c.BatchSize, (c, v) => c with { BatchSize = v },
            "Rows of one forward and backward pass.")
        .Add("gradient_accumulation_steps", Int(1, 1 << 20), c => c.GradientAccumulationSteps,
            (c, v) => c with { GradientAccumulationSteps = v }, "Passes of one update.");

    private static Section<TrainingConfig> Optimizer(Section<TrainingConfig> table) => table
        .Add("learning_rate", NumberAbove(0, 10), c => c.LearningRate, (c, v) => c with { LearningRate = v },
            "The peak, at the end of the warm-up.")
        .Add("scheduler", Choice<Scheduler>(), c => c.Scheduler, (c, v) => c with { Scheduler = v },
            "After the warm-up: cosine or linear to min_learning_rate, constant, or wsd (stable, then a decay).")
        .Add("warmup_steps", Int(0), c => c.WarmupSteps, (c, v) => c with { WarmupSteps = v },
            "Updates over which the rate rises from 0 to its peak.")
        .Add("decay_steps", Int(0), c => c.DecaySteps, (c, v) => c with { DecaySteps = v },
            "The last updates, over which wsd falls to min_learning_rate.")
        .Add("min_learning_rate", Number(0, 10), c => c.MinLearningRate, (c, v) => c with { MinLearningRate = v },
            "The rate at the end.")
        .Add("weight_decay", Number(0, 10), c => c.WeightDecay, (c, v) => c with { WeightDecay = v },
            "Decoupled decay of matrices and embeddings; norms and biases have none.")
        .Add("adam_beta1", Number(0, 0.9999999), c => c.AdamBeta1, (c, v) => c with { AdamBeta1 = v },
            "Memory of the mean gradient.")
        .Add("adam_beta2", Number(0, 0.9999999), c => c.AdamBeta2, (c, v) => c with { AdamBeta2 = v },
            "Memory of the mean squared gradient.")
        .Add("adam_epsilon", NumberAbove(0, 1), c => c.AdamEpsilon, (c, v) => c with { AdamEpsilon = v },
            "What is added to the root of the mean squared gradient.")
        .Add("max_grad_norm", Number(0), c => c.MaxGradNorm, (c, v) => c with { MaxGradNorm = v },
            "Global norm that gradients are clipped to; 0: no clipping.")
        .Add("early_stopping", Optional(EarlyStoppingConfig.Section), c => c.EarlyStopping,
            (c, v) => c with { EarlyStopping = v }, "Ends the run when evaluations stop improving; null: never.")
        .Add("on_nonfinite", Choice<NonFinitePolicy>(), c => c.OnNonfinite, (c, v) => c with { OnNonfinite = v },
            "What a loss or gradient that is not finite does: stop the run, skip the update, or go back to the last "
            + "healthy checkpoint and past the batch, once.")
        .Add("max_nonfinite_skips", Int(0), c => c.MaxNonfiniteSkips, (c, v) => c with { MaxNonfiniteSkips = v },
            "Updates in a row that may be skipped.")
        .Add("divergence", DivergenceConfig.Section, c => c.Divergence, (c, v) => c with { Divergence = v },
            "What a loss or gradient norm far above that of the steps before does.");

    private static Section<TrainingConfig> Output(Section<TrainingConfig> table) => table
        .Add("eval_steps", Int(0), c => c.EvalSteps, (c, v) => c with { EvalSteps = v },
            "Evaluates after every so many updates; 0: only at the end.")
        .Add("eval_documents", Int(0), c => c.EvalDocuments, (c, v) => c with { EvalDocuments = v },
            "Validation documents of an evaluation while training, over all languages; 0: all.")
        .Add("save_steps", Int(0), c => c.SaveSteps, (c, v) => c with { SaveSteps = v },
            "Saves a checkpoint after every so many updates; 0: only at the end and when stopped.")
        .Add("save_total_limit", Int(1), c => c.SaveTotalLimit, (c, v) => c with { SaveTotalLimit = v },
            "Checkpoints that are kept, beside the best and the last healthy one.")
        .Add("save_async", Flag, c => c.SaveAsync, (c, v) => c with { SaveAsync = v },
            "Copies a checkpoint in memory and writes it while training goes on; needs memory for the copy.")
        .Add("max_save_errors", Int(0), c => c.MaxSaveErrors, (c, v) => c with { MaxSaveErrors = v },
            "Saves in a row that may fail with a warning; 0: the first failure ends the run.")
        .Add("activation_recompute", Flag, c => c.ActivationRecompute, (c, v) => c with { ActivationRecompute = v },
            "Computes activations a second time instead of keeping them: less memory, more time.")
        .Add("max_wall_minutes", Number(0), c => c.MaxWallMinutes, (c, v) => c with { MaxWallMinutes = v },
            "Saves and stops, to be resumed, before so many minutes are over; 0: no limit.")
        .Add("log_steps", Int(1), c => c.LogSteps, (c, v) => c with { LogSteps = v },
            "Writes a line of progress after every so many updates.");
}
