using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class BpeTrainerTests
{
    [Test]
    public void BpeTrainer_EqualsCountingAllPairsAfreshForEachMerge()
    {
        string[] documents = [.. Texts.Mixed, "aaaa aaaaaaa aaa banana bananas abababab", "aaab aab ab"];
        var trained = Train(documents, new BpeTrainerOptions { VocabularySize = 345 });
        Assert.That(Pieces(trained, 259, 345), Is.EqualTo(NaiveMerges(documents, 345 - 259)));
    }

    [Test]
    public void BpeTrainer_DoesNotDependOnTheOrderOfDocuments()
    {
        var options = new BpeTrainerOptions { VocabularySize = 335 };
        byte[] first = Train(Texts.Mixed, options).TokenizerJson;
        byte[] second = Train([.. Texts.Mixed.Reverse()], options).TokenizerJson;
        Assert.That(second, Is.EqualTo(first));
    }

    /// <summary>A stop that comes while words are counted, and one that comes when only merging is left.</summary>
    [TestCase(2, 2)]
    [TestCase(5, 5)]
    public void Fault_P1_BpeTrainer_AskedToStop_Ends(int stopAfter, int readDocuments)
    {
        using StopSignal stop = new(folder: null, _ => { });
        int read = 0;
        RunException? stopped = Assert.Throws<RunException>(() => BpeTrainer.Train(
            Documents(), new BpeTrainerOptions { VocabularySize = 300 }, stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Terminated));
        Assert.That(read, Is.EqualTo(readDocuments));

        IEnumerable<ReadOnlyMemory<byte>> Documents()
        {
            for (; read < 5; read++)
            {
                if (read == stopAfter)
                    stop.OnTerminate();
                yield return Encoding.UTF8.GetBytes("banana ananas nanana bandana");
            }

            if (read == stopAfter)
                stop.OnTerminate();
        }
    }

    [Test]
    public void BpeTrainer_WritesWhatItReadsBack()
    {
        var trained = Train(Texts.Mixed, new BpeTrainerOptions { VocabularySize = 335 });
        Tokenizer tokenizer = trained.Tokenizer;
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(335));
        Assert.That((tokenizer.Pad, tokenizer.Eos, tokenizer.Bos), Is.EqualTo(((int?)0, (int?)1, (int?)2)));
        foreach (string text in Texts.Mixed)
            Assert.That(tokenizer.Text(tokenizer.Ids(text)), Is.EqualTo(text));
        Assert.That(tokenizer.Ids("a<eos>b").Count(id => id == 1), Is.EqualTo(1));

        string folder = Directory.CreateTempSubdirectory("fastcpt-tests-").FullName;
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.json"), trained.TokenizerJson);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer_config.json"), trained.TokenizerConfig);
        Tokenizer loaded = Tokenizer.Load(folder);
        Directory.Delete(folder, recursive: true);
        Assert.That(loaded.Sha256, Is.EqualTo(tokenizer.Sha256));
        Assert.That(loaded.Eos, Is.EqualTo(1));
        Assert.That(loaded.Ids(Texts.Mixed[3]), Is.EqualTo(tokenizer.Ids(Texts.Mixed[3])));
    }

    [Test]
    public void BpeTrainer_SharesMergesEquallyOverScripts()
    {
        // Ten times as much Latin text: unbalanced training gives nearly every merge to it.
        string latin = Words(3000, k => $"word{(char)('a' + k % 26)}{(char)('a' + k * 7 % 26)}x");
        string cyrillic = Words(300, k => $"сл{(char)('а' + k % 30)}во{(char)('а' + k * 7 % 30)}");
        string devanagari = Words(300, k => $"क{(char)('क' + k % 30)}ि{(char)('क' + k * 7 % 30)}");
        var options = new BpeTrainerOptions { VocabularySize = 340, BalancedScripts = true };
        var trained = Train([latin, cyrillic, devanagari], options);
        Assert.That(trained.MergesByScript.Keys, Is.EqualTo(new[] { "Cyrillic", "Devanagari", "Latin", "Other" }));
        int[] merges = [.. trained.MergesByScript.Where(share => share.Key != "Other").Select(share => share.Value)];
        Assert.That(merges.Max() - merges.Min(), Is.LessThanOrEqualTo(1), string.Join(' ', trained.MergesByScript));
        foreach (string text in (string[])[latin, cyrillic, devanagari])
            Assert.That(trained.Tokenizer.Text(trained.Tokenizer.Ids(text)), Is.EqualTo(text));

        static string Words(int count, Func<int, string> word) =>
            string.Join(' ', Enumerable.Range(0, count).Select(word));
    }

    [Test]
    public void BpeTrainer_RefusesAVocabularyThatTheTextCannotFill()
    {
        var refused = Assert.Throws<RunException>(
            () => Train(["abc"], new BpeTrainerOptions { VocabularySize = 4096 }));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("4096"));
        Assert.Throws<RunException>(() => Train(["abc"], new BpeTrainerOptions { VocabularySize = 200 }));
        Assert.Throws<RunException>(() => Train(
            ["abc"], new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = ["<eos>", "<eos>"] }));
    }

    private static TrainedTokenizer Train(IEnumerable<string> documents, BpeTrainerOptions options) =>
        BpeTrainer.Train(documents.Select(text => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(text))), options);

    private static List<string> Pieces(TrainedTokenizer trained, int from, int to) =>
        [.. Enumerable.Range(from, to - from).Select(id => Convert.ToHexString(trained.Tokenizer.Bytes(id)))];

    /// <summary>The definition, read literally: strings of pieces, all pairs counted again for every merge.</summary>
    private static List<string> NaiveMerges(string[] documents, int count)
    {
        var words = new List<List<int>>();
        int[] order = [.. Enumerable.Range(0, 256).OrderBy(b => ByteAlphabet.Write([(byte)b])[0])];
        foreach (string document in documents)
        {
            byte[] text = Encoding.UTF8.GetBytes(document);
            for (int at = 0; at < text.Length;)
            {
                int end = SplitPattern.O200k.End(text, at);
                words.Add([.. text[at..end].Select(b => Array.IndexOf(order, b))]);
                at = end;
            }
        }
        var pieces = order.Select(b => ((byte)b).ToString("X2")).ToList();
        while (pieces.Count < 256 + count)
        {
            var pair = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(p => p)
                .OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().Key;
            string piece = pieces[pair.First] + pieces[pair.Second];
            int id = pieces.IndexOf(piece);
            if (id < 0)
            {
                id = pieces.Count;
                pieces.Add(piece);
            }
            foreach (var word in words)
                for (int k = 0; k + 1 < word.Count; k++)
                    if (word[k] == pair.First && word[k + 1] == pair.Second)
                    {
                        word[k] = id;
                        word.RemoveAt(k + 1);
                    }
        }
        return pieces[256..];
    }
}
