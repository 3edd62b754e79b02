using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>Rows of a batch that one head labels.</summary>
/// <param name="GradientScale">One over the tokens that the head's whole optimizer step predicts.</param>
public readonly record struct ClassifierGroup(TokenClassifier Head, RowRange Rows, float GradientScale = 0);
