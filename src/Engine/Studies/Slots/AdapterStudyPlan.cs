using System.Text;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What the states of a strategy will need, at most: early stopping makes them less.</summary>
/// <param name="States">That are trained; those that strategies share count once.</param>
/// <param name="Updates">Of all states together.</param>
/// <param name="Tokens">That are trained on.</param>
/// <param name="Flops">Training and scoring.</param>
/// <param name="MemoryBytes">Weights, optimizer, the best epoch's copy, and activations of a pass; an estimate.</param>
/// <param name="DiskBytes">What stays.</param>
/// <param name="CheckpointBytes">On disk beside it while states are trained: of every learner of a pass the checkpoint
/// that is kept and the one being written, each with weights, two moments and the best epoch.</param>
/// <param name="Trained">Numbers that a state trains, its head left out.</param>
/// <param name="PaperCompatible">The same with an adapter's pair at the pooler, which the paper's totals count.</param>
public sealed record AdapterPlanRow(
    string System, int States, long Updates, double Tokens, double Flops, double MemoryBytes, double DiskBytes,
    double CheckpointBytes, long Trained, long PaperCompatible);

/// <summary>The plan of a study of adapters; nothing is made, and of each locale's sentences a sample is encoded.
/// </summary>
public static class AdapterStudyPlan
{
    private const int SampledRows = 200;

    /// <summary>Widths of values that the tape is estimated to keep per token and block: residuals, norms, heads; the
    /// inner width comes twice on top.</summary>
    private const int Kept = 10;

    /// <summary>The same of each bottleneck of a fusion: what it makes of a row, sorted, its key, its value, the query
    /// spread over all, their sum, sorted back.</summary>
    private const int KeptOfEachFused = 8;

    /// <exception cref="RunException">Exit 3, 4: sentences, tokenizer or encoder cannot be read.</exception>
    public static IReadOnlyList<AdapterPlanRow> Of(AdapterStudyConfig config)
    {
        EncoderConfig encoder = EncoderOf(config);
        string? path = config.Tokenizer.Path ?? config.Base.Model.Path;
        Tokenizer? tokenizer = path is null ? null : Tokenizer.Load(path);
        Dictionary<string, (int Train, int Dev, int Test, double Tokens)> sizes =
            config.Data.Locales.ToDictionary(locale => locale, locale => SizeOf(config, tokenizer, locale));
        var graph = new AdapterStudyGraph(config, _ => throw new InvalidOperationException("A plan makes nothing."));
        return
        [
            .. graph.Artefacts.OfType<StateScores>().GroupBy(state => SystemOf(state, graph)).Select(group => Row(
                group.Key, [.. group])),
        ];

        AdapterPlanRow Row(string system, StateScores[] states)
        {
            int? rank = states[0].State.Lesson.Rank;
            Cost cost = Cost.Of(encoder, states[0].State.Lesson, config);
            int parallel = rank is null ? 1 : Math.Min(config.ParallelAdapters, states.Length);
            long updates = 0;
            double tokens = 0, flops = 0;
            foreach (StateScores state in states)
            {
                SlotLesson lesson = state.State.Lesson;
                int rows = lesson.Locales.Sum(locale => sizes[locale].Train);
                updates += (long)config.Training.Epochs * ((rows - 1) / config.Training.BatchSize + 1);
                double trained = config.Training.Epochs
                    * lesson.Locales.Sum(locale => sizes[locale].Train * sizes[locale].Tokens);
                double scored = state.Locales.Sum(locale => sizes[locale].Test * sizes[locale].Tokens)
                    + config.Training.Epochs
                    * lesson.Locales.Sum(locale => sizes[locale].Dev * sizes[locale].Tokens);
                tokens += trained;
                flops += trained * cost.TrainedFlops + scored * cost.ScoredFlops;
            }

            double batch = config.Training.BatchSize * sizes.Values.Max(size => size.Tokens);
            double pass = Math.Min(parallel * batch, config.PassTokens + batch);
            double activations = pass * sizeof(float)
                * encoder.Layers * (cost.KeptWidths * (double)encoder.Width + 2 * encoder.InnerWidth);
            // Weights, and for what trains its gradient, two moments and the best epoch.
            double learned = (rank is null ? 4 : 5 * parallel) * (double)cost.Trained;
            double packed = learned >= cost.Packed ? cost.Packed : 0;
            double weights = sizeof(float) * (cost.Weights + packed + parallel * cost.Copied + learned);
            int kept = rank is not null || config.Keep == ModelRetention.All ? states.Length
                : config.Keep == ModelRetention.None ? 0
                : states.Count(one => graph.Multis.Values.Contains(one)
                    || graph.Sequences.Any(sequence => sequence.Scores[^1] == one));
            return new AdapterPlanRow(
                system, states.Length, updates, tokens, flops, activations + weights,
                kept * sizeof(float) * (cost.Trained + cost.Copied),
                2.0 * parallel * 4 * sizeof(float) * cost.Trained, cost.Trained,
                rank is { } r && config.Adapter == AdapterKind.Lora
                    ? LoraCount.Of(encoder, SlotRecipe.Lora(config, r, seed: 0)).PaperCompatible : cost.Trained);
        }
    }

    private static string SystemOf(StateScores state, AdapterStudyGraph graph)
    {
        if (graph.Monos.Any(mono => mono.Scores == state))
            return StrategyTitle.Of(SharingStrategy.Mono);
        if (state.State.Fused.Count > 0)
            return StrategyTitle.Of(SharingStrategy.Fusion, state.State.Lesson.Rank);
        return graph.Multis.Values.Contains(state)
            ? StrategyTitle.Of(SharingStrategy.Multi)
            : graph.Sequences.Where(sequence => sequence.Scores.Contains(state))
                .OrderBy(sequence => sequence.Strategy == SharingStrategy.NonShared ? 0 : 1)
                .Select(sequence => StrategyTitle.Of(sequence.Strategy, sequence.Rank))
                .FirstOrDefault(StrategyTitle.Of(SharingStrategy.NonShared, state.State.Lesson.Rank)); // to be fused
    }

    private static EncoderConfig EncoderOf(AdapterStudyConfig config)
    {
        ModelConfig model = config.Base.Model.Path is { } path
            ? ModelConfigReader.Read(Path.Combine(path, ModelConfigReader.FileName)).Config
            : ModelRecipe.ToConfig(
                config.Base.Model,
                config.Tokenizer.VocabularySize ?? Tokenizer.Load(config.Tokenizer.Path!).VocabularySize); // the reader
        return model as EncoderConfig ?? throw new RunException(
            ExitCode.Config, "base.model: labels of words need an encoder such as xlm-roberta.");
    }

    /// <summary>Rows of each partition, and tokens of a sentence on average.</summary>
    /// <param name="tokenizer">Null where it is yet to be trained.</param>
    private static (int Train, int Dev, int Test, double Tokens) SizeOf(
        AdapterStudyConfig config, Tokenizer? tokenizer, string locale)
    {
        IReadOnlyList<MassiveRow> rows = SlotSentences.Rows(config.Data, locale);
        string[] sample = [.. rows.Take(SampledRows).Select(row => row.Text)];
        double tokens;
        if (tokenizer is null)
        {
            // A byte-level vocabulary that is yet to be trained makes about a piece of four bytes.
            tokens = sample.Average(text => 2 + Encoding.UTF8.GetByteCount(text) / 4.0);
        }
        else
        {
            var pieces = new List<int>();
            foreach (string text in sample)
                tokenizer.Encode(Encoding.UTF8.GetBytes(text), pieces);
            tokens = 2 + (double)pieces.Count / sample.Length;
        }

        return (Of(Partition.Train), Of(Partition.Dev), Of(Partition.Test), Math.Min(tokens, config.Data.MaxLength));

        int Of(Partition partition) => rows.Count(row => row.Partition == partition);
    }

    /// <summary>Numbers and operations of an encoder and what trains of it.</summary>
    /// <param name="Packed">Copies of frozen weights, where learners weigh more.</param>
    /// <param name="Copied">Frozen numbers that each learner has of its own, and stores.</param>
    private sealed record Cost(
        double Weights, double Packed, double Copied, long Trained, double KeptWidths, double TrainedFlops,
        double ScoredFlops)
    {
        public static Cost Of(EncoderConfig encoder, SlotLesson lesson, AdapterStudyConfig config)
        {
            int? rank = lesson.Rank;
            encoder = encoder with { HasMaskedHead = false };
            long weights = 0, linears = 0, adapters = 0;
            foreach (ParameterShape parameter in ParameterLayout.Of(encoder))
            {
                weights += parameter.Shape.Length;
                if (parameter.Shape.Rank == 2 && parameter.Name.Contains(".layer.", StringComparison.Ordinal))
                    linears += parameter.Shape.Length;
            }

            if (rank is { } size)
                adapters = config.Adapter switch
                {
                    AdapterKind.Bottleneck => encoder.Layers * (size * (2L * encoder.Width + 1) + encoder.Width),
                    AdapterKind.Prefix => encoder.Layers * size * 2L * encoder.Width,
                    _ => LoraCount.Of(encoder, SlotRecipe.Lora(config, size, seed: 0)).Trained,
                };

            // A multiply and an add for each weight; what trains has a second product, the input's gradient a third.
            if (rank is null)
                return new Cost(weights, 0, 0, weights, Kept, 6.0 * linears, 2.0 * linears);
            if (lesson.Fused.Count == 0)
                return new Cost(
                    weights, config.Adapter == AdapterKind.Lora ? 2 * linears : 0, 0, adapters, Kept,
                    4.0 * linears + 6.0 * adapters, 2.0 * (linears + adapters));
            // A query of each row, a key and a value of what each frozen bottleneck makes of it.
            long square = (long)encoder.Layers * encoder.Width * encoder.Width, fused = lesson.Fused.Count;
            double copied = fused * (double)adapters, frozen = linears + copied, learned = (1.0 + 2 * fused) * square;
            return new Cost(
                weights, 0, copied, 3 * square, Kept + KeptOfEachFused * fused, 4 * frozen + 6 * learned,
                2 * (frozen + learned));
        }
    }
}
