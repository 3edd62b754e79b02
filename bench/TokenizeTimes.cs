using System.Globalization;
using FastCpt.Engine.Data;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Bench;

/// <summary>Times tokenising in one process, on one thread and on several in turn: documents that are in memory, and
/// the making of a token shard, which reads, unpacks and checks its files twice on one thread.</summary>
internal static class TokenizeTimes
{
    private const int Rounds = 9, Longest = 4096;

    /// <param name="arguments">A tokenizer's folder, then files of text; both or neither: else the samples, and byte
    /// pairs learned of them.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        string[] files = arguments.Length > 1
            ? [.. arguments[1..]]
            : [.. Directory.GetFiles(TokenizerBench.SampleFolder(), "*.jsonl.gz").Order()];
        Tokenizer tokenizer = arguments.Length > 1
            ? Tokenizer.Load(arguments[0])
            : BpeTrainer.Train(
                files.Select(file => new ReadOnlyMemory<byte>(TokenizerBench.Samples(file))),
                new BpeTrainerOptions { VocabularySize = 4096 }).Tokenizer;
        var text = new LanguageText("xx", files) { ValidationShare = 0 };
        string shard = Path.Combine(Path.GetTempPath(), $"fastcpt-{Guid.NewGuid():N}.bin");
        int most = Environment.ProcessorCount;
        try
        {
            Measure(text, tokenizer, shard, most);
        }
        finally
        {
            File.Delete(shard);
        }

        return 0;
    }

    private static void Measure(LanguageText text, Tokenizer tokenizer, string shard, int most)
    {
        DocumentBatch alone = Batch(1), together = Batch(most);
        Compare("documents in memory", alone.Encode, together.Encode, most);
        Compare("files to a token shard", () => Write(1), () => Write(most), most);

        DocumentBatch Batch(int threads)
        {
            var batch = new DocumentBatch(tokenizer, Longest, threads);
            foreach (string file in text.Files)
            {
                using var reader = new DocumentReader(file, new BadLines(0), text.TextField);
                for (int document = 0; reader.Read(); document++)
                    batch.Add(document, reader.Text);
            }

            return batch;
        }

        void Write(int threads) => new CorpusTokenizer(text, tokenizer, Longest, threadCount: threads).Write(shard);
    }

    private static void Compare(string work, Action alone, Action together, int most)
    {
        var (one, many) = (new List<double>(), new List<double>());
        for (int round = 0; round <= Rounds; round++)
        {
            double first = CaseReport.Time(alone), second = CaseReport.Time(together);
            if (round == 0)
                continue; // compiles
            one.Add(first);
            many.Add(second);
        }

        double ratio = CaseReport.Median(one.Zip(many, (slow, fast) => slow / fast));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{work}: 1 thread {CaseReport.Median(one):F3} s, {most} threads {CaseReport.Median(many):F3} s, "
            + $"median of ratios {ratio:F2}"));
    }
}
