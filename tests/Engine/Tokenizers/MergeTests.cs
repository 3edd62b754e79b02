using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class MergeTests
{
    [Test]
    public void PairMerger_TakesTheBestPairAndOfEqualsTheLeftmost()
    {
        var random = new Random(6);
        for (int round = 0; round < 300; round++)
        {
            const int symbols = 6;
            var merges = new MergeTable(200);
            var ranks = new Dictionary<(int, int), (int Rank, int Merged)>();
            int next = symbols;
            for (int k = 0; k < 40; k++)
            {
                int left = random.Next(next), right = random.Next(next);
                // Ranks repeat, as those of scores do.
                if (ranks.TryAdd((left, right), (k / 2, next)))
                    merges.Add(left, right, k / 2, next++);
            }
            // Both sides of the length at which a heap takes over.
            foreach (int length in (int[])[1, 2, 3, 17, 63, 64, 65, 66, 200, 700])
            {
                int[] ids = [.. Enumerable.Range(0, length).Select(_ => random.Next(symbols))];
                List<int> expected = Naive(ids, ranks);
                int count = new PairMerger(merges).Merge(ids);
                Assert.That(ids[..count], Is.EqualTo(expected));
            }
        }
    }

    [Test]
    public void PieceTrie_FindsTheLongestOfItsKeys()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            byte[][] keys = [.. Enumerable.Range(0, random.Next(1, 400))
                .Select(_ => RandomBytes(random, random.Next(1, 6), round % 3 == 0 ? 256 : 4))
                .DistinctBy(Convert.ToHexString)];
            var trie = new PieceTrie(keys);
            for (int k = 0; k < 50; k++)
            {
                byte[] text = k % 2 == 0
                    ? [.. keys[random.Next(keys.Length)], (byte)random.Next(256)]
                    : RandomBytes(random, random.Next(0, 8), 4);
                int expected = Enumerable.Range(0, keys.Length).Where(id => text.AsSpan().StartsWith(keys[id]))
                    .OrderByDescending(id => keys[id].Length).FirstOrDefault(-1);
                Assert.That(trie.LongestPrefix(text, out int length), Is.EqualTo(expected));
                Assert.That(length, Is.EqualTo(expected < 0 ? 0 : keys[expected].Length));
            }
        }
    }

    [Test]
    public void PieceTable_RefusesEqualPieces()
    {
        var refused = Assert.Throws<ArgumentException>(
            () => new PieceTable(["a"u8.ToArray(), null, "b"u8.ToArray(), "a"u8.ToArray()]));
        Assert.That(refused!.Message, Is.EqualTo("0 and 3"));
        var table = new PieceTable(["a"u8.ToArray(), null, "ab"u8.ToArray()]);
        Assert.That((table.Find("ab"u8), table.Find("b"u8), table.Find(""u8)), Is.EqualTo((2, -1, -1)));
    }

    private static byte[] RandomBytes(Random random, int length, int alphabet) =>
        [.. Enumerable.Range(0, length).Select(_ => (byte)random.Next(alphabet))];

    private static List<int> Naive(int[] ids, Dictionary<(int, int), (int Rank, int Merged)> ranks)
    {
        List<int> row = [.. ids];
        while (true)
        {
            int best = -1;
            for (int k = 0; k + 1 < row.Count; k++)
                if (ranks.TryGetValue((row[k], row[k + 1]), out var merge)
                    && (best < 0 || merge.Rank < ranks[(row[best], row[best + 1])].Rank))
                    best = k;
            if (best < 0)
                return row;
            row[best] = ranks[(row[best], row[best + 1])].Merged;
            row.RemoveAt(best + 1);
        }
    }
}
