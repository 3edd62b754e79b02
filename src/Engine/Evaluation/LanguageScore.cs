namespace FastCpt.Engine.Evaluation;

/// <summary>How well a model predicts the validation text of one language.</summary>
/// <param name="SumNats">Negative log-likelihood of all predicted tokens.</param>
/// <param name="Tokens">Predicted tokens; a document's first is not predicted.</param>
/// <param name="Bytes">UTF-8 bytes of text that the predicted tokens stand for.</param>
public readonly record struct LanguageScore(string Language, double SumNats, long Tokens, long Bytes)
{
    public double LossNats => SumNats / Tokens;

    /// <summary>Per token, so comparable under one tokenizer and within one language only.</summary>
    public double Perplexity => Math.Exp(LossNats);

    /// <summary>Comparable across tokenizers and languages.</summary>
    public double BitsPerByte => SumNats / Math.Log(2) / Bytes;
}
