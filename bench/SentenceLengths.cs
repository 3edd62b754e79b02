namespace FastCpt.Bench;

/// <summary>Lengths of real sentences: the English training part of MASSIVE in pieces of XLM-R, both ends too.
/// </summary>
internal static class SentenceLengths
{
    /// <summary>Batches that are drawn, so that no single one decides.</summary>
    public const int BatchCount = 8;

    /// <summary>Sentences by length, from 0 on: 11,514 in all.</summary>
    private static readonly int[] Counts =
    [
        0, 0, 0, 76, 314, 568, 894, 1116, 1328, 1398, 1343, 1107, 851, 605, 474, 348, 276, 217, 145, 116, 90, 74, 47,
        31, 30, 18, 13, 8, 8, 5, 1, 3, 3, 2, 2, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1,
    ];

    /// <summary>The lengths of every batch: the same ones in every process.</summary>
    public static int[][] Batches(int sentences)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, BatchCount).Select(_ =>
            Enumerable.Range(0, sentences).Select(_ => Draw(random)).ToArray())];
    }

    /// <summary>What a batch padded to its longest sentence has for a length, in the mean over the batches.</summary>
    public static int PaddedLength(int sentences) => (int)Math.Round(Batches(sentences).Average(batch => batch.Max()));

    private static int Draw(Random random)
    {
        int place = random.Next(Counts.Sum()), length = 0;
        while (place >= Counts[length])
            place -= Counts[length++];
        return length;
    }
}
