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

/// <summary>`fastcpt eval`: scores a model on the validation text of a run's languages.</summary>
internal static class EvalCommand
{
    public static Command Create(CommonOptions options)
    {
        var inputs = new ConfigInputs();
        var model = new Option<string?>("--model")
        {
            Description = "Model folder or llama2.c .bin to score; the run's finished model if not given.",
            HelpName = "folder",
        };
        var adapter = new Option<string?>("--adapter")
        {
            Description = "PEFT folder of an adapter to score on the model; where only this is given, on its own base.",
            HelpName = "folder",
        };
        var otherBase = new Option<bool>("--other-base")
        {
            Description = "Only warns where the adapter was trained on other weights or with another tokenizer.",
        };
        var documents = new Option<int>("--max-documents")
        {
            Description = "Validation documents of each language, chosen by seed; by default all.",
            HelpName = "count",
        };
        var verb = new Verb("eval", "Scores a model: perplexity and bits per byte of each language's validation text.")
        {
            Examples =
            [
                "fastcpt eval run.yaml", "fastcpt eval run.yaml --model runs/base/final --json",
                "fastcpt eval run.yaml --model models/base --adapter runs/lora/final",
            ],
        };
        inputs.AddTo(verb);
        verb.Add(model);
        verb.Add(adapter);
        verb.Add(otherBase);
        verb.Add(documents);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            RunConfig config = RunConfig.Load(inputs.Layers(parse));
            var (folder, adapterFolder) = ModelOf(config, parse.GetValue(model), parse.GetValue(adapter), terminal);
            using StopSignal stop = options.Listen(null);
            var scores = new List<LanguageScore>();
            try
            {
                Measure(
                    config, folder, adapterFolder, parse.GetValue(otherBase), parse.GetValue(documents), terminal, stop,
                    scores);
            }
            catch (RunException exception)
                when (exception.Code is ExitCode.Resumable or ExitCode.Interrupted or ExitCode.Terminated)
            {
                // Nothing is kept to go on from; what is measured already is the result, and says that it is a part.
                Show(terminal, scores, isComplete: false);
                throw new RunException(
                    stop.UnsavedCode, $"eval: stopped by {stop.Reason} after {scores.Count} of "
                    + $"{config.Data.Languages.Count} languages. Run it again.", exception);
            }

            Show(terminal, scores, isComplete: true);
        }));
        return verb;
    }

    /// <summary>What is scored: a model, or an adapter on a model.</summary>
    private static (string Folder, string? Adapter) ModelOf(
        RunConfig config, string? model, string? adapter, Terminal terminal)
    {
        string folder = model ?? Path.Combine(config.OutputDir, TrainingRun.FinalFolderName);
        if (adapter is null)
        {
            if (!PeftFolder.IsAt(folder))
                return (folder, null);
            (adapter, model) = (folder, null);
        }

        if (model is not null)
            return (model, adapter);
        using PeftFolder source = PeftFolder.Open(adapter, terminal.Note);
        return source.Config.Base is { } origin && Directory.Exists(origin)
            ? (origin, adapter)
            : throw new RunException(
                ExitCode.ModelFile, $"{adapter}: its base is '{source.Config.Base}', which is no folder here. Give the "
                + "base as --model and this folder as --adapter.");
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
