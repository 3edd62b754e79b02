namespace FastCpt.Engine.Data.Massive;

/// <summary>An utterance of one locale.</summary>
/// <param name="Number">Its line in the file of the locale, from 0.</param>
/// <param name="Id">Joins locales.</param>
/// <param name="Text">What was said, without marks.</param>
/// <param name="Parts">The same text cut at its slots; white space may differ where a language writes none.</param>
public sealed record MassiveRow(
    int Number, string Id, Partition Partition, string Intent, string Text,
    IReadOnlyList<AnnotationPart> Parts);
