namespace FastCpt.Engine.Evaluation;

/// <summary>How well a model finds the slots of a test set.</summary>
/// <param name="F1">By the scoring that fits the labels, from 0 to 1.</param>
/// <param name="StrictF1">The same where labels are read strictly; of labels without B and I the same number.</param>
public sealed record SlotScore(
    double F1, double StrictF1, double Precision, double Recall, long Gold, long Predicted, long Correct);
