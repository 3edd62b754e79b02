using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Evaluation;

/// <summary>Labels the words of sentences with an encoder as it stands, adapters included, and scores them.</summary>
/// <param name="batchTokens">Tokens of a pass, a longer sentence has its own; scores do not depend on it.</param>
public sealed class SlotEvaluation(XlmRoberta encoder, Tape tape, LabelMode labels, int batchTokens, StopSignal stop)
{
    private Batch _batch = new(Math.Max(1, batchTokens));
    private int[] _byToken = [], _byWord = [];

    /// <exception cref="RunException">Exit 75 and the like: stopped.</exception>
    public SlotScore Measure(TokenClassifier head, SentenceSet set)
    {
        var loose = new SlotF1(SlotF1.ScoringOf(labels));
        var strict = new SlotF1(SlotF1.ScoringOf(labels, strict: true));
        if (set.LongestSentence > _batch.Capacity)
            _batch = new Batch(set.LongestSentence);
        if (_byToken.Length < _batch.Capacity)
            _byToken = new int[_batch.Capacity];
        for (int first = 0; first < set.Count;)
        {
            stop.ThrowIfStopRequested($"scoring {set.Locale}");
            int count = set.Fill(first, _batch);
            tape.BeginInference();
            ModelInputs inputs = ModelInputs.Upload(
                tape, _batch.TokenIds, _batch.Positions, _batch.Segments, targets: []);
            TokenClassifier.Predict(
                tape, encoder, inputs, [new ClassifierGroup(head, new RowRange(0, _batch.TokenCount))],
                _batch.Targets, _byToken.AsSpan(0, _batch.TokenCount));
            for (int i = 0, start = 0; i < count; i++)
            {
                int length = set.Tokens(first + i).Length;
                Add(set, first + i, _byToken.AsSpan(start, length), loose, strict);
                start += length;
            }

            first += count;
        }

        return new SlotScore(
            loose.Value, strict.Value, loose.Precision, loose.Recall, loose.GoldCount, loose.PredictedCount,
            loose.CorrectCount);
    }

    private void Add(SentenceSet set, int sentence, ReadOnlySpan<int> byToken, SlotF1 loose, SlotF1 strict)
    {
        ReadOnlySpan<int> gold = set.Labels(sentence);
        if (_byWord.Length < gold.Length)
            _byWord = new int[gold.Length];
        Span<int> predicted = _byWord.AsSpan(0, gold.Length);
        set.PredictedLabels(sentence, byToken, predicted);
        loose.Add(gold, predicted);
        strict.Add(gold, predicted);
    }
}
