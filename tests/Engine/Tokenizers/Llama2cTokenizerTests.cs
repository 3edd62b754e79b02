using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class Llama2cTokenizerTests
{
    [Test]
    public void Llama2c_WritesTheGreedyTextOfStories260K()
    {
        Tokenizer tokenizer = Tokenizer.Load(TestData.Path("weights/stories260K/tok512.bin"));
        using var expected = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("weights/stories260K/expected.json")));
        JsonElement greedy = expected.RootElement.GetProperty("greedy_from_bos");
        int[] ids = [.. greedy.GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32())];
        string text = greedy.GetProperty("text").GetString()!;
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(512));
        Assert.That((tokenizer.Unknown, tokenizer.Bos, tokenizer.Eos), Is.EqualTo(((int?)0, (int?)1, (int?)2)));
        Assert.That(tokenizer.Text(ids), Is.EqualTo(text));
        Assert.That(tokenizer.Text(tokenizer.Ids(text)), Is.EqualTo(text));
    }

    [Test]
    public void Llama2c_MergesAsRunCDoes()
    {
        byte[] file = SmallFile(out List<byte[]> pieces, out List<float> scores);
        Tokenizer tokenizer = Llama2cTokenizer.Read(file, "x.bin");
        var random = new Random(8);
        for (int round = 0; round < 500; round++)
        {
            var text = new StringBuilder();
            for (int k = random.Next(1, 100); k > 0; k--)
                text.Append("abc é\u4e2d\0"[random.Next(7)]);
            byte[] utf8 = Encoding.UTF8.GetBytes(text.ToString());
            Assert.That(tokenizer.Ids(utf8), Is.EqualTo(RunC(utf8, pieces, scores)), text.ToString());
        }
    }

    private static byte[] SmallFile(out List<byte[]> pieces, out List<float> scores)
    {
        pieces = ["<unk>"u8.ToArray(), "\n<s>\n"u8.ToArray(), "\n</s>\n"u8.ToArray()];
        for (int b = 0; b < 256; b++)
            pieces.Add(Encoding.ASCII.GetBytes($"<0x{b:X2}>"));
        string[] merged = [" ", "a", "b", "c", "é", "ab", "bc", "aa", "aaa", " a", " ab", "abc", "é a"];
        pieces.AddRange(merged.Select(Encoding.UTF8.GetBytes));
        scores = [.. Enumerable.Range(0, pieces.Count).Select(id => id < 259 ? 0 : -(float)(id % 5))];
        using var file = new MemoryStream();
        file.Write([27, 0, 0, 0]);
        Span<byte> number = stackalloc byte[8];
        for (int id = 0; id < pieces.Count; id++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(number, scores[id]);
            BinaryPrimitives.WriteInt32LittleEndian(number[4..], pieces[id].Length);
            file.Write(number);
            file.Write(pieces[id]);
        }
        return file.ToArray();
    }

    /// <summary>The loop of run.c, read literally: strings, and all pairs looked at again for every merge.</summary>
    private static List<int> RunC(byte[] text, List<byte[]> pieces, List<float> scores)
    {
        int Find(ReadOnlySpan<byte> piece)
        {
            for (int id = 0; id < pieces.Count; id++)
                if (piece.SequenceEqual(pieces[id]))
                    return id;
            return -1;
        }

        var ids = new List<int> { Find(" "u8) };
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = start + 1;
            while (end < text.Length && (text[end] & 0xC0) == 0x80 && end - start < 4)
                end++;
            int id = Find(text.AsSpan(start, end - start));
            if (id >= 0)
                ids.Add(id);
            else
                ids.AddRange(text[start..end].Select(b => b + 3));
        }
        while (true)
        {
            float bestScore = -1e10f;
            int best = -1, merged = -1;
            for (int k = 0; k + 1 < ids.Count; k++)
            {
                int id = Find([.. pieces[ids[k]], .. pieces[ids[k + 1]]]);
                if (id >= 0 && scores[id] > bestScore)
                    (bestScore, best, merged) = (scores[id], k, id);
            }
            if (best < 0)
                return ids;
            ids[best] = merged;
            ids.RemoveAt(best + 1);
        }
    }
}
