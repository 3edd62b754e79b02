using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt;

/// <summary>`fastcpt plan`: memory, disk and time of a run, before it starts.</summary>
internal static class PlanCommand
{
    /// <summary>What a step reaches of the arithmetic peak, from slow to fast: small models, large ones.</summary>
    private const double SlowShare = 0.3, FastShare = 0.7;

    public static Command Create(CommonOptions options)
    {
        var inputs = new ConfigInputs();
        var verb = new Verb("plan", "Says what a run will need of memory, disk and time; starts nothing.")
        {
            Examples = ["fastcpt plan run.yaml", "fastcpt plan run.yaml --set training.batch_size=16 --json"],
        };
        inputs.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            RunConfig config = RunConfig.Load(inputs.Layers(parse));
            RunPlan plan = RunPlan.Of(config, ModelOf(config));
            using Backend backend = Devices.Open(config.Device, config.Threads);
            double peak = backend.MeasureLimits().F32Flops;
            Show(terminal, plan, plan.Steps * plan.StepFlops / peak, config.Training.SaveTotalLimit);
        }));
        return verb;
    }

    private static ModelConfig ModelOf(RunConfig config)
    {
        if (config.Model.Path is { } path)
            return ModelConfigReader.Read(Path.Combine(path, ModelConfigReader.FileName)).Config;
        int vocabulary = config.Model.VocabSize
            ?? Tokenizer.Load(config.Tokenizer!).VocabularySize; // a recipe has a tokenizer: the reader asked for it
        return ModelRecipe.ToConfig(config.Model, vocabulary);
    }

    private static void Show(Terminal terminal, RunPlan plan, double peakSeconds, int keptCheckpoints)
    {
        long disk = plan.CheckpointBytes * (keptCheckpoints + 1);
        if (terminal.IsJson)
        {
            terminal.Result(new JsonObject
            {
                ["parameters"] = plan.Parameters,
                ["trained"] = plan.Trained,
                ["state_bytes"] = plan.StateBytes,
                ["activation_bytes"] = plan.ActivationBytes,
                ["checkpoint_bytes"] = plan.CheckpointBytes,
                ["checkpoints_bytes"] = disk,
                ["steps"] = plan.Steps,
                ["tokens"] = plan.Steps * plan.StepTokens,
                ["flops"] = plan.Steps * plan.StepFlops,
                ["seconds_at_peak"] = double.IsFinite(peakSeconds) ? peakSeconds : null,
            });
            return;
        }

        CultureInfo culture = CultureInfo.InvariantCulture;
        terminal.Result(string.Create(culture, $"parameters   {plan.Parameters}, {plan.Trained} trained"));
        terminal.Result(string.Create(culture, $"memory       {Mib(plan.StateBytes)} for weights and optimizer, about "
            + $"{Mib(plan.ActivationBytes)} for activations of a micro-batch, at most 64 MiB for logits"));
        terminal.Result(string.Create(culture, $"disk         {Mib(plan.CheckpointBytes)} a checkpoint, "
            + $"{Mib(disk)} for all that are kept and the one being written"));
        terminal.Result(string.Create(culture, $"work         {plan.Steps} steps, "
            + $"{plan.Steps * plan.StepTokens} tokens, {plan.Steps * plan.StepFlops:0.##e+0} operations"));
        if (double.IsFinite(peakSeconds))
            terminal.Result($"time         {Time(peakSeconds / FastShare)} to {Time(peakSeconds / SlowShare)}: "
                + $"{FastShare:P0} to {SlowShare:P0} of the arithmetic peak measured here, without evaluation"
                    .Replace(" %", "%"));
    }

    private static string Mib(long bytes) =>
        ((bytes + (1 << 20) - 1) >> 20).ToString(CultureInfo.InvariantCulture) + " MiB";

    private static string Time(double seconds)
    {
        TimeSpan time = TimeSpan.FromSeconds(seconds);
        return $"{(long)time.TotalHours:00}:{time:mm\\:ss}";
    }
}
