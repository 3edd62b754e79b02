namespace FastCpt.Engine.Studies;

/// <summary>A number that every model has on every language; lower is better.</summary>
/// <param name="Title">In the head of its table.</param>
/// <param name="Format">For the invariant culture.</param>
public sealed record StudyMeasure(string Title, string Format, Func<LanguageResult, double> Of)
{
    /// <summary>Comparable across tokenizers and languages.</summary>
    public static StudyMeasure BitsPerByte { get; } = new("bits per byte", "F3", result => result.BitsPerByte);

    /// <summary>Per token: what the paper's tables show, comparable under one tokenizer only.</summary>
    public static StudyMeasure Perplexity { get; } = new("perplexity", "F2", result => result.Perplexity);
}
