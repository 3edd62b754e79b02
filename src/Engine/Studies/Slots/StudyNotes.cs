using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Models;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>How a study differs from the one of 2025, a sentence each, for whoever reads its numbers.</summary>
internal static class StudyNotes
{
    private const int MostNamed = 4;

    /// <summary>lora-sharing.md 1.4, where it is labelled [S].</summary>
    private static readonly string[] StatedByThePaper =
        ["training.epochs", "training.learning_rate", "training.lora_learning_rate", "lora.ranks", "lora.dropout"];

    /// <summary>On any number: the preset is what its settings are, checkpoints are only kept.</summary>
    private static readonly string[] WithoutEffect = ["training.preset", "training.save_steps"];

    public static IReadOnlyList<string> Of(
        AdapterStudyConfig config, EncoderConfig encoder, IReadOnlyList<StudyLocale> languages)
    {
        SlotDataConfig data = config.Data;
        string?[] notes =
        [
            "The orders of languages, the seeds and whatever the paper does not state are this project's own.",
            config.Base.Model.Path is null
                ? $"The encoder is no published one: {encoder.Layers} blocks of width {encoder.Width}, "
                    + "pretrained by this study."
                : null,
            data.Locales.Count < MassiveLocale.All.Count
                ? $"{data.Locales.Count} of the {MassiveLocale.All.Count} languages take part." : null,
            data.TrainRows > 0 || data.DevRows > 0 || data.TestRows > 0
                ? $"Of each language the first sentences are used: {Rows(data.TrainRows)} to train, "
                    + $"{Rows(data.DevRows)} to choose the epoch, {Rows(data.TestRows)} to score."
                : null,
            Sentences(data, languages),
            Changed(config, stated: true) is { Length: > 0 } stated
                ? $"Settings that the paper states, and its values: {stated}." : null,
            Changed(config, stated: false) is { Length: > 0 } own
                ? $"Settings that it does not state, and this project's defaults: {own}." : null,
            data.Labels != LabelMode.Bio
                ? $"Labels are {EnumWord.Of(data.Labels)}, so F1 is that of these labels." : null,
            config.Adapter != AdapterKind.Lora
                ? $"Adapters are of the kind {EnumWord.Of(config.Adapter)}, not LoRA's; what is called their rank is "
                    + "their width or length."
                : Counts(config, encoder),
            config.TrimVocabulary
                ? "Pieces that no training sentence has are taken out of the encoder: "
                    + $"{languages.Sum(one => one.DroppedPieces)} pieces of dev and test sentences are unknown for it."
                : null,
            languages.Sum(one => one.CutWords + one.WordsWithoutPieces) is > 0 and var words
                ? $"{words} words are beyond the longest sentence or have no piece; they count as predicted outside."
                : null,
            config.Precision is Precision.Fp32 or Precision.Auto
                ? null : $"Weights and activations are {EnumWord.Of(config.Precision)}.",
        ];
        return [.. notes.OfType<string>()];
    }

    /// <summary>Languages whose files do not hold what the release does: one that is cut at a line's end can be read.
    /// </summary>
    private static string? Sentences(SlotDataConfig data, IReadOnlyList<StudyLocale> languages)
    {
        SentenceCounts expected = SentenceCounts.Massive.FirstOf(data);
        StudyLocale[] other = [.. languages.Where(one => one.Sentences is { } found && found != expected)];
        return other.Length == 0
            ? null
            : $"{other.Length} of the languages have other numbers of sentences, to train, to choose the epoch and to "
                + $"score, than the {expected} that MASSIVE 1.1 gives here: "
                + string.Join("; ", other.Take(MostNamed).Select(one => $"{one.Code} {one.Sentences}"))
                + (other.Length > MostNamed ? "; the table of languages has the others." : ".");
    }

    /// <summary>Numbers of an adapter, beside those of a count that takes in the pooler, as the paper's does.</summary>
    private static string? Counts(AdapterStudyConfig config, EncoderConfig encoder) => config.Strategies.All(
        strategy => strategy is SharingStrategy.Mono or SharingStrategy.Multi or SharingStrategy.Vanilla)
        ? null
        : string.Join("; ", config.Lora.Ranks.Select(rank =>
        {
            (long trained, long paper) = LoraCount.Of(encoder, SlotRecipe.Lora(config, rank, seed: 0));
            return string.Create(
                CultureInfo.InvariantCulture, $"an adapter of rank {rank} has {trained} numbers, or {paper}");
        })) + " where the pair of a pooler is counted, as the paper's totals do, which trains nothing.";

    /// <summary>Settings of training and of LoRA that are not those of the preset "paper".</summary>
    /// <param name="stated">Of those that the paper states, else of the others.</param>
    private static string Changed(AdapterStudyConfig config, bool stated)
    {
        JsonObject ours = config.ToJson();
        JsonObject paper = (config with
        {
            Training = SlotTrainingConfig.Of(SlotPreset.Paper), Lora = new LoraStudyConfig(),
        }).ToJson();
        string[] sections = config.Adapter == AdapterKind.Lora ? ["training", "lora"] : ["training"];
        return string.Join(
            ", ",
            from section in sections
            from setting in ours[section]!.AsObject()
            let key = $"{section}.{setting.Key}"
            let other = Text(paper[section]![setting.Key])
            where !WithoutEffect.Contains(key) && StatedByThePaper.Contains(key) == stated
                && Text(setting.Value) != other
            select $"{key} {Text(setting.Value)} ({other})");

        static string Text(JsonNode? value) => value?.ToJsonString() ?? "null";
    }

    private static string Rows(int count) => count == 0 ? "all" : count.ToString(CultureInfo.InvariantCulture);
}
