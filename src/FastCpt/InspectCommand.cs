using System.CommandLine;
using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Tokenizers;

namespace FastCpt;

/// <summary>`fastcpt inspect`: what a model, a checkpoint, a weight file or a tokenizer holds.</summary>
internal static class InspectCommand
{
    private const int MostTensorsNamed = 5;

    public static Command Create(CommonOptions options)
    {
        var path = new Argument<string>("path")
        {
            Description = "A model, checkpoint or adapter folder, a .safetensors file, a llama2.c .bin, or a "
                + "tokenizer's file or folder.",
        };
        var verify = new Option<bool>("--verify")
        {
            Description = "Reads everything: files must be as they were saved, weights finite and fit for "
                + "config.json, the tokenizer fit for the model. Ends with 7 if not.",
        };
        var verb = new Verb("inspect", "Shows what a model, a checkpoint, a weight file or a tokenizer holds.")
        {
            Examples = ["fastcpt inspect models/base", "fastcpt inspect models/base --verify --json"],
        };
        verb.Add(path);
        verb.Add(verify);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            using var stop = new StopSignal();
            var problems = parse.GetValue(verify) ? new List<string>() : null;
            JsonObject facts = Facts(parse.GetRequiredValue(path), problems, terminal, stop);
            if (problems is not null)
                facts.Add("problems", new JsonArray([.. problems.Select(problem => JsonValue.Create(problem))]));
            Write(facts, terminal);
            return problems is { Count: > 0 } ? ExitCode.CheckFailed : ExitCode.Done;
        }));
        return verb;
    }

    /// <param name="problems">Receives what a check found; null where nothing is checked.</param>
    private static JsonObject Facts(string path, List<string>? problems, Terminal terminal, StopSignal stop)
    {
        var facts = new JsonObject { ["path"] = path };
        if (!Directory.Exists(path))
        {
            if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
                AddFile(path, facts, terminal);
            else if (path.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
                && Llama2cReader.ConfigOf(path) is { } llama2c)
                AddConfig(llama2c, facts);
            else
                AddTokenizer(Tokenizer.Load(path), facts);
            return facts;
        }
        if (Checkpoint.Open(path) is { } checkpoint)
            AddCheckpoint(checkpoint, facts, problems);
        if (BlockAdapterFolder.IsAt(path) || PeftFolder.IsAt(path))
        {
            if (BlockAdapterFolder.IsAt(path))
                AddBlockAdapter(path, facts, terminal);
            else
                AddLora(path, facts, terminal);
            AddState(path, facts);
            return facts;
        }

        bool isModel = File.Exists(Path.Combine(path, ModelConfigReader.FileName));
        if (isModel)
            AddModel(path, facts, problems, terminal, stop);
        if (!isModel || HasTokenizer(path))
        {
            Tokenizer tokenizer = Tokenizer.Load(path);
            AddTokenizer(tokenizer, facts);
            if (isModel && problems is not null)
                CheckTokenizer(tokenizer, path, problems);
        }
        return facts;
    }

    private static void AddCheckpoint(Checkpoint checkpoint, JsonObject facts, List<string>? problems)
    {
        facts.Add("step", checkpoint.Step);
        facts.Add("tokens", checkpoint.Facts.Tokens);
        facts.Add("run_id", checkpoint.Facts.RunId);
        facts.Add("made_by", checkpoint.Facts.ToolVersion);
        facts.Add("healthy", checkpoint.Facts.IsHealthy);
        if (problems is not null && checkpoint.WhyNot(full: true) is { } reason)
            problems.Add(reason);
    }

    private static void AddModel(
        string path, JsonObject facts, List<string>? problems, Terminal terminal, StopSignal stop)
    {
        if (problems is not null)
            ModelFolder.Open(path, terminal.Note).Dispose();        // throws where weights and config.json do not fit
        ModelConfig config = ModelConfigReader.Read(path).Config;
        AddConfig(config, facts);
        using TensorFolder folder = TensorFolder.Open(path, terminal.Note);
        AddTensors(folder.Entries, facts, terminal);
        AddGroups(folder.Entries, LayerGroups.Of(config.Layers), facts);
        if (problems is null)
            return;
        var found = FiniteCheck.Find(folder, stop);
        problems.AddRange(found.Take(MostTensorsNamed)
            .Select(f => $"{f.Count} numbers of {f.Entry} are NaN or infinite"));
        if (found.Count > MostTensorsNamed)
            problems.Add($"{found.Count - MostTensorsNamed} more tensors have such numbers");
    }

    private static void AddLora(string path, JsonObject facts, Terminal terminal)
    {
        using PeftFolder folder = PeftFolder.Open(path, terminal.Note);
        LoraSettings settings = folder.Config.Settings;
        facts.Add("adapter", "LORA");
        facts.Add("base", folder.Config.Base);
        facts.Add("task", folder.Config.TaskType);
        facts.Add("rank", settings.Rank);
        facts.Add("alpha", settings.Alpha);
        facts.Add("scale", settings.Scale);
        facts.Add("targets", settings.TargetPattern ?? string.Join(", ", settings.Targets));
        facts.Add("stored_whole", string.Join(", ", settings.ModulesToSave));
        AddTensors(folder.Entries, facts, terminal);
    }

    private static void AddBlockAdapter(string path, JsonObject facts, Terminal terminal)
    {
        (string kind, IReadOnlyList<int> sizes) = BlockAdapterFolder.Describe(path);
        facts.Add("adapter", kind);
        facts.Add("size", string.Join(", ", sizes));
        using TensorFolder folder = BlockAdapterFolder.Tensors(path, terminal.Note);
        AddTensors(folder.Entries, facts, terminal);
    }

    private static void AddState(string path, JsonObject facts)
    {
        if (AdapterState.Read(path) is not { } state)
            return;
        facts.Add("strategy", state.Strategy);
        facts.Add("locale", state.Locale);
        facts.Add("trained_steps", state.Step);
        facts.Add("labels", state.Labels.Count);
        facts.Add("dev_f1", state.DevF1);
        if (state.TestF1.Count > 0)
            facts.Add("test_f1", state.TestF1.Values.Average());
    }

    private static void AddConfig(ModelConfig config, JsonObject facts)
    {
        facts.Add("architecture", (config as DecoderConfig)?.Architecture.ToString() ?? config.ModelType);
        facts.Add("layers", config.Layers);
        facts.Add("width", config.Width);
        facts.Add("heads", config.Heads);
        if (config is DecoderConfig decoder)
            facts.Add("key_heads", decoder.KeyHeads);
        facts.Add("inner_width", config.InnerWidth);
        facts.Add("vocabulary", config.VocabularySize);
        if (config is DecoderConfig { TiedHead: var tied })
            facts.Add("tied_head", tied);
        if (config is EncoderConfig encoder)
            facts.Add("masked_head", encoder.HasMaskedHead);
    }

    private static void AddFile(string path, JsonObject facts, Terminal terminal)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        AddTensors(file.Entries, facts, terminal);
        foreach (var (key, value) in file.Metadata)
            facts.Add("metadata." + key, value);
    }

    private static void AddTensors(IReadOnlyList<TensorEntry> entries, JsonObject facts, Terminal terminal)
    {
        facts.Add("tensors", entries.Count);
        facts.Add("parameters", entries.Sum(entry => entry.ElementCount));
        facts.Add("bytes", entries.Sum(entry => entry.ByteCount));
        facts.Add("types", string.Join(", ", entries.Select(entry => entry.Type).Distinct().Order()));
        foreach (TensorEntry entry in entries)
            terminal.Detail($"{entry}");
    }

    private static void AddGroups(IReadOnlyList<TensorEntry> entries, LayerGroups groups, JsonObject facts)
    {
        foreach (var (name, group) in new (string, LayerGroup?)[]
            {
                ("first", LayerGroup.First), ("middle", LayerGroup.Middle), ("last", LayerGroup.Last), ("other", null),
            })
        {
            if (group is { } present)
                facts.Add("layers_" + name, groups[present].ToString());
            facts.Add("parameters_" + name,
                entries.Where(entry => groups.GroupOf(entry.Name) == group).Sum(entry => entry.ElementCount));
        }
    }

    private static bool HasTokenizer(string folder) => Directory.GetFiles(folder).Select(Path.GetFileName).Any(name =>
        name is "tokenizer.json" or "tokenizer.model" or "sentencepiece.bpe.model" or "vocab.bpe" or "merges.txt"
        || name!.EndsWith(".tiktoken", StringComparison.Ordinal));      // not null: a file has a name

    private static void AddTokenizer(Tokenizer tokenizer, JsonObject facts)
    {
        facts.Add("tokenizer_pieces", tokenizer.VocabularySize);
        facts.Add("tokenizer_sha256", tokenizer.Sha256);
        facts.Add("bos", tokenizer.Bos);
        facts.Add("eos", tokenizer.Eos);
        facts.Add("pad", tokenizer.Pad);
        facts.Add("unknown", tokenizer.Unknown);
    }

    private static void CheckTokenizer(Tokenizer tokenizer, string path, List<string> problems)
    {
        int rows = ModelConfigReader.Read(path).Config.VocabularySize;
        if (tokenizer.VocabularySize > rows)
            problems.Add($"the tokenizer has {tokenizer.VocabularySize} pieces, the embedding only {rows} rows");
        if (tokenizer.Eos is null)
            problems.Add("the tokenizer names no end of text (eos), which ends every document");
    }

    private static void Write(JsonObject facts, Terminal terminal)
    {
        if (terminal.IsJson)
        {
            terminal.Result(facts);
            return;
        }
        foreach (var (key, value) in facts)
            if (value is JsonArray problems)
                terminal.Result(problems.Count == 0
                    ? "no problem found"
                    : string.Join('\n', problems.Select(problem => $"problem: {problem}")));
            else if (value is not null)
                terminal.Result($"{key}: {value}");
    }
}
