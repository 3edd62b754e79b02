using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Kernels;

namespace FastCpt.Engine.Evaluation;

/// <summary>F1 of slots: 2PR/(P + R) over all spans of a test set; type, begin and end must agree.</summary>
/// <remarks>
/// The micro average of seqeval 1.2.2 (Nakayama 2018), after conlleval (Tjong Kim Sang and Buchholz 2000). Precision,
/// recall and F1 are 0 where they divide by zero. <see cref="SlotScoring.Official"/> is MASSIVE's own.
/// </remarks>
public sealed class SlotF1(SlotScoring scoring = SlotScoring.Default)
{
    private const int None = -1;

    private readonly List<(int Type, int First, int Last)> _goldSpans = [], _predictedSpans = [];
    private int[] _forced = [];

    /// <summary>Spans of the true labels.</summary>
    public long GoldCount { get; private set; }

    /// <summary>Spans of the predicted labels.</summary>
    public long PredictedCount { get; private set; }

    /// <summary>Spans that are both.</summary>
    public long CorrectCount { get; private set; }

    public double Precision => PredictedCount == 0 ? 0 : (double)CorrectCount / PredictedCount;

    public double Recall => GoldCount == 0 ? 0 : (double)CorrectCount / GoldCount;

    /// <summary>From 0 to 1.</summary>
    public double Value => CorrectCount == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);

    /// <summary>The scoring that fits labels of a mode.</summary>
    /// <param name="strict">Where labels say B and I.</param>
    public static SlotScoring ScoringOf(LabelMode mode, bool strict = false)
    {
        if (!LabelMap.Of(mode).HasPositions)
            return SlotScoring.Official;
        return strict ? SlotScoring.Strict : SlotScoring.Default;
    }

    /// <summary>Adds a sentence.</summary>
    /// <param name="gold">Ids of a <see cref="LabelMap"/>; official, also <see cref="Backend.IgnoredTarget"/>.</param>
    /// <param name="predicted">As many.</param>
    public void Add(ReadOnlySpan<int> gold, ReadOnlySpan<int> predicted)
    {
        if (gold.Length != predicted.Length)
            throw new ArgumentException($"{predicted.Length} predictions for {gold.Length} labels.", nameof(predicted));
        if (scoring == SlotScoring.Official)
            predicted = WithIgnored(gold, predicted);
        Spans(gold, _goldSpans);
        Spans(predicted, _predictedSpans);
        GoldCount += _goldSpans.Count;
        PredictedCount += _predictedSpans.Count;
        for (int i = 0, k = 0; i < _goldSpans.Count; i++)       // both rise by their first place
        {
            while (k < _predictedSpans.Count && _predictedSpans[k].First < _goldSpans[i].First)
                k++;
            if (k < _predictedSpans.Count && _predictedSpans[k] == _goldSpans[i])
                CorrectCount++;
        }
    }

    /// <summary>What is ignored in the truth is ignored in the prediction.</summary>
    private ReadOnlySpan<int> WithIgnored(ReadOnlySpan<int> gold, ReadOnlySpan<int> predicted)
    {
        if (_forced.Length < gold.Length)
            _forced = new int[gold.Length];
        for (int i = 0; i < gold.Length; i++)
            _forced[i] = gold[i] == Backend.IgnoredTarget ? Backend.IgnoredTarget : predicted[i];
        return _forced.AsSpan(0, gold.Length);
    }

    private void Spans(ReadOnlySpan<int> labels, List<(int Type, int First, int Last)> spans)
    {
        spans.Clear();
        int open = None, first = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            (int type, bool begins) = Read(labels[i], open);
            if (open != None && (begins || type != open))
                spans.Add((open, first, i - 1));
            if (type != None && (begins || type != open))
                first = i;
            open = type;
        }

        if (open != None)
            spans.Add((open, first, labels.Length - 1));
    }

    /// <summary>The type that a place belongs to, and whether a span begins there whatever is before it.</summary>
    private (int Type, bool Begins) Read(int label, int open)
    {
        if (scoring == SlotScoring.Official)
            return (label == Backend.IgnoredTarget ? open : label - 1, false);      // outside, 0, is None
        if (label == LabelMap.Outside)
            return (None, false);
        int type = (label - 1) / 2;
        bool begins = label % 2 == 1;
        return scoring == SlotScoring.Strict && !begins && type != open ? (None, false) : (type, begins);
    }
}
