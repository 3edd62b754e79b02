using FastCpt.Engine.Data.Massive;

namespace FastCpt.Engine.Evaluation;

/// <summary>Gives each word the label that it has most often in training: what a model must beat.</summary>
/// <remarks>A word that training lacks is outside; of labels that are as frequent the smaller id counts.</remarks>
public sealed class MajorityLabels
{
    private readonly Dictionary<string, int> _labelOf;

    public MajorityLabels(IEnumerable<LabelledWords> training)
    {
        var counts = new Dictionary<string, SortedDictionary<int, int>>(StringComparer.Ordinal);
        foreach (LabelledWords sentence in training)
            foreach (var (word, label) in sentence.Words.Zip(sentence.Labels))
            {
                if (!counts.TryGetValue(word, out SortedDictionary<int, int>? labels))
                    counts[word] = labels = [];
                labels[label] = labels.GetValueOrDefault(label) + 1;
            }

        _labelOf = counts.ToDictionary(
            pair => pair.Key, pair => pair.Value.MaxBy(label => label.Value).Key, StringComparer.Ordinal);
    }

    public int[] Predict(LabelledWords sentence) =>
        [.. sentence.Words.Select(word => _labelOf.GetValueOrDefault(word, LabelMap.Outside))];

    /// <summary>F1 over sentences.</summary>
    public double Measure(IEnumerable<LabelledWords> sentences, SlotScoring scoring)
    {
        var f1 = new SlotF1(scoring);
        foreach (LabelledWords sentence in sentences)
            f1.Add([.. sentence.Labels], Predict(sentence));
        return f1.Value;
    }
}
