using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training;

namespace FastCpt;

/// <summary>`fastcpt eval`: scores a model on validation text, or its labels of words on annotated sentences.</summary>
internal static class EvalCommand
{
    public static Command Create(CommonOptions options)
    {
        var inputs = new ConfigInputs(isRequired: false);
        var model = new Option<string?>("--model")
        {
            Description = "Model folder or llama2.c .bin to score; the run's finished model if not given.",
            HelpName = "folder",
        };
        var adapter = new Option<string?>("--adapter")
        {
            Description = "Folder of an adapter to score on the model (LoRA as PEFT stores it; with --slots of any "
                + "kind); where only this is given, on its own base.",
            HelpName = "folder",
        };
        var otherBase = new Option<bool>("--other-base")
        {
            Description = "Only warns where the adapter was trained on other weights, with another tokenizer or for "
                + "another list of labels.",
        };
        var documents = new Option<int>("--max-documents")
        {
            Description = "Validation documents of each language, chosen by seed; by default all.",
            HelpName = "count",
        };
        var slots = new SlotOptions();
        var verb = new Verb(
            "eval", "Scores a model: perplexity and bits per byte of each language's validation text, or slot F1.")
        {
            Examples =
            [
                "fastcpt eval run.yaml", "fastcpt eval run.yaml --model runs/base/final --json",
                "fastcpt eval run.yaml --model models/base --adapter runs/lora/final",
                "fastcpt eval --model models/xlm-r --adapter DIR --slots 'massive/{locale}.jsonl' --locales en-US",
                "fastcpt eval studies/massive-quick.yaml --adapter DIR --partition dev",
            ],
        };
        inputs.AddTo(verb);
        foreach (Option option in new Option[] { model, adapter, otherBase, documents })
            verb.Add(option);
        slots.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            ConfigLayers layers = inputs.Layers(parse);
            var (folder, its) = (parse.GetValue(model), parse.GetValue(adapter));
            using StopSignal stop = options.Listen(null);
            if (slots.AreAsked(parse, layers))
            {
                if (parse.GetResult(documents) is { Implicit: false })
                    throw new RunException(
                        ExitCode.Usage, "--max-documents: is of plain text. --set data.test_rows=100 takes the first "
                        + "sentences.");
                if (inputs.HasFiles(parse) && !layers.IsAdapterStudy)
                    throw new RunException(
                        ExitCode.Usage, "--slots: takes no configuration but that of a study of adapters (kind: "
                        + $"{AdapterStudyConfig.Kind}).");
                slots.Run(parse, layers, folder, its, parse.GetValue(otherBase), terminal, stop);
                return;
            }

            if (!inputs.HasFiles(parse))
                throw new RunException(
                    ExitCode.Usage,
                    "eval: give the configuration whose text is scored, or --slots for labels of words.");
            RunConfig config = RunConfig.Load(layers);
            (folder, its) = ModelOf(config, folder, its, terminal);
            Show<LanguageScore>(
                stop, config.Data.Languages.Count, "languages",
                scores => Measure(
                    config, folder, its, parse.GetValue(otherBase), parse.GetValue(documents), terminal, stop, scores),
                (scores, isComplete) => Show(terminal, scores, isComplete));
        }));
        return verb;
    }

    /// <summary>Shows what is measured; where a stop ends it, a part that says so.</summary>
    /// <param name="count">How many scores there are in the end.</param>
    /// <param name="measure">Adds one after the other.</param>
    internal static void Show<T>(
        StopSignal stop, int count, string unit, Action<List<T>> measure, Action<IReadOnlyList<T>, bool> show)
    {
        var scores = new List<T>();
        try
        {
            measure(scores);
        }
        catch (RunException exception)
            when (exception.Code is ExitCode.Resumable or ExitCode.Interrupted or ExitCode.Terminated)
        {
            // Nothing is kept to go on from; what is measured already is the result, and says that it is a part.
            show(scores, false);
            throw new RunException(
                stop.UnsavedCode,
                $"eval: stopped by {stop.Reason} after {scores.Count} of {count} {unit}. Run it again.", exception);
        }

        show(scores, true);
    }

    /// <summary>The folder that an adapter names as its base.</summary>
    /// <exception cref="RunException">Exit 4: there is no such folder, or the adapter is none of LoRA's.</exception>
    internal static string BaseOf(string adapter, Terminal terminal)
    {
        using PeftFolder source = PeftFolder.Open(adapter, terminal.Note);
        return source.Config.Base is { } origin && Directory.Exists(origin)
            ? origin
            : throw new RunException(
                ExitCode.ModelFile, $"{adapter}: its base is '{source.Config.Base}', which is no folder here. Give the "
                + "base as --model and this folder as --adapter.");
    }

    /// <summary>What is scored: a model, or an adapter on a model.</summary>
    private static (string Folder, string? Adapter) ModelOf(
        RunConfig config, string? model, string? adapter, Terminal terminal)
    {
        string folder = model ?? Path.Combine(config.OutputDir, TrainingRun.FinalFolderName);
        if (adapter is not null)
            return (model ?? BaseOf(adapter, terminal), adapter);
        return PeftFolder.IsAt(folder) ? (BaseOf(folder, terminal), folder) : (folder, null);
    }

    /// <param name="scores">Receives one after the other.</param>
    private static void Measure(
        RunConfig config, string folder, string? adapter, bool allowOtherBase, int maxDocuments, Terminal terminal,
        StopSignal stop, List<LanguageScore> scores)
    {
        using var evaluation = new ModelEvaluation(
            folder, config.Tokenizer!, config.Device, config.Threads, config.Precision, // the reader has filled it in
            config.Data.MaxSeqLength, config.Training.BatchSize * config.Data.MaxSeqLength, terminal.Note,
            adapter, allowOtherBase);
        var corpora = new Corpora(
            config.Data, Path.Combine(config.OutputDir, "shards"), evaluation.Tokenizer, terminal.Note, stop,
            config.Threads);
        foreach (LanguageConfig language in config.Data.Languages)
        {
            using TokenShard shard = corpora.Open(language);
            scores.Add(evaluation.Measure(
                language.Name, shard, maxDocuments, config.Data.SplitSeed, stop));
        }
    }

    private static void Show(Terminal terminal, IReadOnlyList<LanguageScore> scores, bool isComplete)
    {
        if (terminal.IsJson)
        {
            terminal.Result(new JsonObject
            {
                ["complete"] = isComplete,
                ["languages"] = new JsonArray([.. scores.Select(ToJson)]),
            });
            return;
        }

        int width = scores.Select(score => score.Language.Length).Append(8).Max();
        terminal.Result($"{"language".PadRight(width)}  bits/byte  perplexity    tokens     bytes");
        foreach (LanguageScore score in scores)
            terminal.Result(string.Create(
                CultureInfo.InvariantCulture,
                $"{score.Language.PadRight(width)}  {score.BitsPerByte,9:F4}  {score.Perplexity,10:F3}  "
                + $"{score.Tokens,8}  {score.Bytes,8}"));
    }

    private static JsonNode ToJson(LanguageScore score) => new JsonObject
    {
        ["language"] = score.Language,
        ["bits_per_byte"] = score.BitsPerByte,
        ["perplexity"] = score.Perplexity,
        ["loss_nats"] = score.LossNats,
        ["tokens"] = score.Tokens,
        ["bytes"] = score.Bytes,
    };
}
