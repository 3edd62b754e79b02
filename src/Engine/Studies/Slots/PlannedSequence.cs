using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Languages that are learned one after the other, and the scores of the state after each.</summary>
/// <param name="Rank">Null where the whole encoder learns.</param>
/// <param name="Order">Its name.</param>
/// <param name="AdapterOf">By locale.</param>
internal sealed record PlannedSequence(
    SharingStrategy Strategy, int? Rank, ulong Seed, string Order, IReadOnlyList<string> Locales,
    IReadOnlyList<StateScores> Scores, Func<string, string> AdapterOf)
{
    /// <summary>R, each language scored by the state of its adapter at that step.</summary>
    /// <param name="untrained">Row 0.</param>
    /// <param name="policy">What scores a language whose adapter is not trained yet.</param>
    public TransferMatrix Matrix(SlotStateScores untrained, UntrainedPolicy policy)
    {
        SlotStateScores[] results = [.. Scores.Select(scores => scores.Load())];
        var matrix = new TransferMatrix(Locales);
        for (int position = 1; position <= Locales.Count; position++)
        {
            string locale = Locales[position - 1];
            matrix[0, position] = untrained.Test[locale].F1;
            for (int step = 1; step <= Locales.Count; step++)
            {
                int own = LastStepOf(AdapterOf(locale), step);
                SlotStateScores? state = own > 0 ? results[own - 1] : policy switch
                {
                    UntrainedPolicy.Latest => results[step - 1],
                    UntrainedPolicy.Base => untrained,
                    _ => null,
                };
                matrix[step, position] = state?.Test[locale].F1;
            }
        }

        return matrix;
    }

    /// <summary>F1 of strictly read labels after the last step, by locale.</summary>
    public IReadOnlyDictionary<string, double> StrictAtEnd() => Locales.ToDictionary(
        locale => locale,
        locale => Scores[LastStepOf(AdapterOf(locale), Locales.Count) - 1].Load().Test[locale].StrictF1);

    /// <summary>The last step up to this one that trained an adapter; 0 where none did.</summary>
    private int LastStepOf(string adapter, int step)
    {
        while (step > 0 && AdapterOf(Locales[step - 1]) != adapter)
            step--;
        return step;
    }
}
