using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Data.Massive;

/// <summary>Small sets of sentences for the tests of this folder.</summary>
internal static class Sentences
{
    /// <summary>Rows of one partition, from annotated texts.</summary>
    public static MassiveRow[] Rows(params string[] annotated) =>
    [
        .. annotated.Select((text, i) =>
        {
            AnnotationPart[] parts = Annotation.Parse(text, "test");
            return new MassiveRow(i, $"{i}", Partition.Train, "x", Annotation.Strip(parts), parts);
        }),
    ];

    /// <summary>A set of numbered sentences of different lengths.</summary>
    public static SentenceSet Numbered(string locale, int count) => Encode(
        new ByteTokenizer(), locale,
        [.. Enumerable.Range(0, count).Select(i => $"say {new string('x', i * 7 % 5 + 1)} at [time : {i}]")]);

    public static SentenceSet Encode(
        Tokenizer tokenizer, string locale, string[] annotated, int maxTokens = SentenceEncoder.DefaultMaxTokens,
        int threads = 0) =>
        new SentenceEncoder(tokenizer, maxTokens, threads).Encode(
            MassiveLocale.Of(locale), Partition.Train, Rows(annotated),
            new SlotConversion(MassiveLocale.Of(locale), LabelMode.Bio));
}
