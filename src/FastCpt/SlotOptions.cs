using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt;

/// <summary>The options of `fastcpt eval` that score labels of words, and the scoring.</summary>
internal sealed class SlotOptions
{
    private readonly Option<string?> _files = new("--slots")
    {
        Description = "Scores slot F1: path of a locale's file of MASSIVE, with {locale} in the place of its name; "
            + ".jsonl or .jsonl.gz, whichever is there. Takes no configuration but a study's of adapters, "
            + "whose own files it replaces; --set takes a study's keys, such as precision and data.max_length.",
        HelpName = "path",
    };

    private readonly Option<string?> _locales = new("--locales")
    {
        Description = "What is scored, such as en-US,zh-CN; all of a study if not given.",
        HelpName = "codes",
    };

    private readonly Option<string> _partition = new("--partition")
    {
        Description = "Which sentences are scored: train, dev or test.",
        DefaultValueFactory = _ => "test",
    };

    private readonly Option<string?> _labels = new("--labels")
    {
        Description = "What the head's labels are: bio (the default), official, official_compat or space.",
        HelpName = "mode",
    };

    private readonly Option<string?> _tokenizer = new("--tokenizer")
    {
        Description = "Folder or file of the encoder's tokenizer; the study's, or that in the encoder's folder, if not "
            + "given.",
        HelpName = "path",
    };

    public SlotOptions() => _partition.AcceptOnlyFromAmong("train", "dev", "test");

    private Option[] All => [_files, _locales, _partition, _labels, _tokenizer];

    public void AddTo(Command verb)
    {
        foreach (Option option in All)
            verb.Add(option);
    }

    /// <summary>Whether a call asks for labels of words.</summary>
    /// <exception cref="RunException">Exit 2: it does not, but has options that only these read.</exception>
    public bool AreAsked(ParseResult parse, ConfigLayers layers)
    {
        if (parse.GetValue(_files) is not null || layers.IsAdapterStudy)
            return true;
        if (All.FirstOrDefault(option => parse.GetResult(option) is { Implicit: false }) is { } lost)
            throw new RunException(
                ExitCode.Usage, $"{lost.Name}: needs --slots, or the configuration of a study of adapters.");
        return false;
    }

    /// <summary>Scores an adapter on its encoder, or a whole model, and writes the result.</summary>
    /// <param name="model">The encoder; without an adapter a whole model with its head.</param>
    public void Run(
        ParseResult parse, ConfigLayers layers, string? model, string? adapter, bool allowOtherBase, Terminal terminal,
        StopSignal stop)
    {
        string weights = adapter ?? model ?? throw new RunException(
            ExitCode.Usage, "--slots: give --adapter, or a whole model with its head as --model.");
        string[]? chosen = parse.GetValue(_locales) is { } codes ? LocalesOf(codes) : null;
        if (!layers.IsAdapterStudy)
            AddLeast(layers, chosen, model ?? BaseOf(weights, terminal));
        if (parse.GetValue(_files) is { } files)
            layers.AddSetting("data.files", Quoted(files), _files.Name);
        if (parse.GetValue(_labels) is { } labels)
            layers.AddSetting("data.labels", Quoted(labels), _labels.Name);
        AdapterStudyConfig config = AdapterStudyConfig.Load(layers);
        var (tokenizer, encoder) = SlotModelEvaluation.PlacesOf(config);
        IReadOnlyList<string> locales = chosen ?? config.Data.Locales;
        EvalCommand.Show<(SentenceSet Set, SlotScore Score)>(
            stop, locales.Count, "locales",
            scores =>
            {
                using var evaluation = new SlotModelEvaluation(
                    config, locales, EnumWord.Find<Partition>(parse.GetRequiredValue(_partition))!.Value, // one of them
                    parse.GetValue(_tokenizer) ?? tokenizer, adapter is null ? encoder : model ?? encoder, weights,
                    allowOtherBase,
                    new StudyRun(config, stop, FileSystem.Real, terminal.Notes, terminal.IsQuiet));
                foreach (SentenceSet set in evaluation.Sets)
                {
                    terminal.Progress($"scoring {set.Locale}");
                    scores.Add((set, evaluation.Measure(set)));
                }
            },
            (scores, isComplete) => Show(terminal, config.Data.Labels, scores, isComplete));
    }

    /// <summary>The keys that a study has to have, where there is none.</summary>
    private static void AddLeast(ConfigLayers layers, string[]? locales, string encoder)
    {
        if (locales is not null)
            layers.AddSetting("data.locales", $"[{string.Join(", ", locales)}]", "--locales");
        foreach (var (key, value) in new[]
            {
                ("kind", AdapterStudyConfig.Kind), ("name", "eval"), ("output_dir", "."), ("base.model.path", encoder),
            })
            layers.AddSetting(key, Quoted(value), "--model");
    }

    private static string BaseOf(string adapter, Terminal terminal) => BlockAdapterFolder.IsAt(adapter)
        ? throw new RunException(
            ExitCode.ModelFile, $"{adapter}: does not say where its encoder is. Give that as --model.")
        : EvalCommand.BaseOf(adapter, terminal);

    private static string[] LocalesOf(string codes)
    {
        string[] locales = codes.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (locales.Length == 0 || locales.Distinct().Count() < locales.Length)
            throw new RunException(
                ExitCode.Usage, $"--locales {codes}: expected different locales, such as en-US,zh-CN.");
        return [.. locales.Select(locale => MassiveLocale.Of(locale).Code)];
    }

    /// <summary>A text as a value of YAML.</summary>
    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static void Show(
        Terminal terminal, LabelMode labels, IReadOnlyList<(SentenceSet Set, SlotScore Score)> scores, bool isComplete)
    {
        foreach (var (set, _) in scores)
            if (set.CutWords + set.DroppedPieces > 0)
                terminal.Note(
                    $"{set.Locale}: {set.CutWords} words beyond data.max_length count as outside, "
                    + $"{set.DroppedPieces} pieces are unknown because the vocabulary is trimmed.");
        if (terminal.IsJson)
        {
            terminal.Result(new JsonObject
            {
                ["complete"] = isComplete,
                ["labels"] = EnumWord.Of(labels),
                ["locales"] = new JsonArray([.. scores.Select(pair => ToJson(pair.Set, pair.Score))]),
            });
            return;
        }

        terminal.Result("locale      F1  strict F1  precision  recall  sentences    words");
        foreach (var (set, score) in scores)
            terminal.Result(string.Create(
                CultureInfo.InvariantCulture,
                $"{set.Locale,-6}  {100 * score.F1,6:F2}  {100 * score.StrictF1,9:F2}  {100 * score.Precision,9:F2}  "
                + $"{100 * score.Recall,6:F2}  {set.Count,9}  {set.WordCount,7}"));
    }

    private static JsonNode ToJson(SentenceSet set, SlotScore score) => new JsonObject
    {
        ["locale"] = set.Locale,
        ["partition"] = EnumWord.Of(set.Partition),
        ["f1"] = score.F1,
        ["strict_f1"] = score.StrictF1,
        ["precision"] = score.Precision,
        ["recall"] = score.Recall,
        ["gold"] = score.Gold,
        ["predicted"] = score.Predicted,
        ["correct"] = score.Correct,
        ["sentences"] = set.Count,
        ["words"] = set.WordCount,
    };
}
