using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;
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
        var verb = new Verb("plan", "Says what a run or a study will need of memory, disk, time; starts nothing.")
        {
            Examples =
            [
                "fastcpt plan studies/quickstart.yaml",
                "fastcpt plan run.yaml --set training.batch_size=16 --json",
            ],
        };
        inputs.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            ConfigLayers layers = inputs.Layers(parse);
            if (layers.IsAdapterStudy)
                Show(terminal, AdapterStudyConfig.Load(layers));
            else if (layers.IsStudy)
                Show(terminal, StudyConfig.Load(layers));
            else
                Show(terminal, RunConfig.Load(layers));
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

    private static void Show(Terminal terminal, StudyConfig config)
    {
        IReadOnlyList<(TrainedModel Run, RunPlan Plan)> runs = StudyPlan.Of(config);
        double peak = PeakOf(config.Device, config.Threads, config.Precision);
        double flops = runs.Sum(run => run.Plan.Steps * run.Plan.StepFlops);
        if (terminal.IsJson)
        {
            terminal.Result(new JsonObject
            {
                ["runs"] = new JsonArray([.. runs.Select(run =>
                {
                    JsonObject json = ToJson(run.Plan, peak, run.Run.Config);
                    json.Insert(0, "name", run.Run.Name);
                    return (JsonNode)json;
                })]),
                ["flops"] = flops,
                ["seconds_at_peak"] = double.IsFinite(peak) ? flops / peak : null,
            });
            return;
        }

        int width = runs.Select(run => run.Run.Name.Length).Append(5).Max();
        terminal.Result($"{"run".PadRight(width)}     steps         tokens      memory        disk");
        foreach ((TrainedModel run, RunPlan plan) in runs)
            terminal.Result(string.Create(CultureInfo.InvariantCulture,
                $"{run.Name.PadRight(width)}  {plan.Steps,8}  {plan.Steps * plan.StepTokens,13}  "
                + $"{Mib(plan.StateBytes + plan.ActivationBytes + plan.PackedBytes),10}  "
                + $"{Mib(DiskOf(plan, run.Config)),10}"));
        terminal.Result(string.Create(CultureInfo.InvariantCulture,
            $"{"total".PadRight(width)}  {runs.Sum(run => run.Plan.Steps),8}  "
            + $"{runs.Sum(run => run.Plan.Steps * run.Plan.StepTokens),13}  {flops:0.##e+0} operations"));
        ShowTime(terminal, flops / peak);
    }

    private static void Show(Terminal terminal, AdapterStudyConfig config)
    {
        IReadOnlyList<AdapterPlanRow> rows = AdapterStudyPlan.Of(config);
        double peak = PeakOf(config.Device, config.Threads, config.Precision);
        if (terminal.IsJson)
        {
            terminal.Result(new JsonObject
            {
                ["systems"] = new JsonArray([.. rows.Select(row => (JsonNode)new JsonObject
                {
                    ["system"] = row.System,
                    ["states"] = row.States,
                    ["updates"] = row.Updates,
                    ["tokens"] = row.Tokens,
                    ["flops"] = row.Flops,
                    ["memory_bytes"] = row.MemoryBytes,
                    ["disk_bytes"] = row.DiskBytes,
                    ["checkpoint_bytes"] = row.CheckpointBytes,
                    ["trained"] = row.Trained,
                    ["trained_with_pooler"] = row.PaperCompatible,
                })]),
                ["flops"] = rows.Sum(row => row.Flops),
                ["seconds_at_peak"] = double.IsFinite(peak) ? rows.Sum(row => row.Flops) / peak : null,
            });
            return;
        }

        int width = rows.Max(row => row.System.Length);
        terminal.Result(
            $"{"system".PadRight(width)}  states     updates         tokens      memory        disk     hours"
            + "       trained   with pooler");
        foreach (AdapterPlanRow row in rows)
            terminal.Result(string.Create(CultureInfo.InvariantCulture,
                $"{row.System.PadRight(width)}  {row.States,6}  {row.Updates,10}  {row.Tokens,13:F0}  "
                + $"{Mib((long)row.MemoryBytes),10}  {Mib((long)row.DiskBytes),10}  "
                + $"{row.Flops / peak / FastShare / 3600,8:F1}  {row.Trained,12}  {row.PaperCompatible,12}"));
        terminal.Result(
            string.Create(CultureInfo.InvariantCulture, $"hours at {100 * FastShare:F0}% of the arithmetic peak ")
            + "measured here, scoring included; at most, as early stopping ends languages sooner. The encoder's own "
            + "pretraining is not among them. disk: what stays; checkpoints of what is being trained take up to "
            + $"{Mib((long)rows.Max(row => row.CheckpointBytes))} more for a while. trained: numbers of a state "
            + "without its head; with pooler: counted as the paper's totals are, with a pair that trains nothing.");
    }

    private static double PeakOf(string device, int threads, Precision precision)
    {
        using Backend backend = Devices.Open(device, threads);
        return backend.MeasurePeakFlops(Precisions.ActivationType(Precisions.Resolve(precision)));
    }

    /// <summary>All checkpoints that are kept, and the one being written.</summary>
    private static long DiskOf(RunPlan plan, RunConfig config) =>
        plan.CheckpointBytes * (config.Training.SaveTotalLimit + 1);

    private static JsonObject ToJson(RunPlan plan, double peak, RunConfig config) => new()
    {
        ["parameters"] = plan.Parameters,
        ["trained"] = plan.Trained,
        ["state_bytes"] = plan.StateBytes,
        ["activation_bytes"] = plan.ActivationBytes,
        ["packed_bytes"] = plan.PackedBytes,
        ["checkpoint_bytes"] = plan.CheckpointBytes,
        ["checkpoints_bytes"] = DiskOf(plan, config),
        ["steps"] = plan.Steps,
        ["tokens"] = plan.Steps * plan.StepTokens,
        ["flops"] = plan.Steps * plan.StepFlops,
        ["seconds_at_peak"] = double.IsFinite(peak) ? plan.Steps * plan.StepFlops / peak : null,
    };

    private static void Show(Terminal terminal, RunConfig config)
    {
        RunPlan plan = RunPlan.Of(config, ModelOf(config));
        double peak = PeakOf(config.Device, config.Threads, config.Precision);
        if (terminal.IsJson)
        {
            terminal.Result(ToJson(plan, peak, config));
            return;
        }

        CultureInfo culture = CultureInfo.InvariantCulture;
        terminal.Result(string.Create(culture, $"parameters   {plan.Parameters}, {plan.Trained} trained"));
        string packed = plan.PackedBytes > 0 ? $"{Mib(plan.PackedBytes)} for packed copies of frozen weights, " : "";
        terminal.Result(string.Create(culture, $"memory       {Mib(plan.StateBytes)} for weights and optimizer, about "
            + $"{Mib(plan.ActivationBytes)} for activations of a micro-batch, "
            + $"{packed}at most 150 MiB for logits"));
        terminal.Result(string.Create(culture, $"disk         {Mib(plan.CheckpointBytes)} a checkpoint, "
            + $"{Mib(DiskOf(plan, config))} for all that are kept and the one being written"));
        terminal.Result(string.Create(culture, $"work         {plan.Steps} steps, "
            + $"{plan.Steps * plan.StepTokens} tokens, {plan.Steps * plan.StepFlops:0.##e+0} operations"));
        ShowTime(terminal, plan.Steps * plan.StepFlops / peak);
    }

    private static void ShowTime(Terminal terminal, double peakSeconds)
    {
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
