using System.Text.Json;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>The baseline against counts taken here, document by document.</summary>
internal sealed class UnigramBaselineTests
{
    /// <summary>What the counts of the whole mixture add up to.</summary>
    private const double Total = 1e7;

    [Test]
    public void Baseline_IsTheEntropyOfTheMixturesCounts()
    {
        using var study = new TinyStudy();
        StudyConfig config = study.Config("evaluation.max_documents=0");
        study.Run(config, ["unigram"]);
        Tokenizer tokenizer = Tokenizer.Load(study.Path("tokenizer"));

        var counts = new double[tokenizer.VocabularySize];
        foreach (string language in new[] { "en", "hr", "ru", "nl" })
        {
            double share = language == "en" ? 0.9 : 0.1 / 3;
            int[] tokens = [.. Documents(study.Text(language), tokenizer, Side.Training).SelectMany(d => d.Tokens)];
            foreach (int token in tokens)
                counts[token] += share * Total / tokens.Length;
        }

        double nats = 0, bytes = 0;
        foreach ((int[] tokens, int textBytes) in Documents(study.Text("en"), tokenizer, Side.Validation))
        {
            bytes += textBytes;
            foreach (int token in tokens[1..])
                nats -= Math.Log((counts[token] + 1) / (Total + counts.Length));
        }

        using JsonDocument scores = JsonDocument.Parse(File.ReadAllText(study.Path("unigram/scores.json")));
        Assert.That(scores.RootElement.EnumerateObject().Select(score => score.Name), Is.EqualTo((string[])["en"]));
        Assert.That(scores.RootElement.GetProperty("en").GetDouble(),
            Is.EqualTo(nats / Math.Log(2) / bytes).Within(1e-9));
    }

    /// <summary>Tokens of the documents of a side, with their ends, and the bytes of their text.</summary>
    private static List<(int[] Tokens, int Bytes)> Documents(string file, Tokenizer tokenizer, Side side)
    {
        List<DocumentKey> keys = [];
        List<(int[] Tokens, int Bytes)> documents = [];
        using var reader = new DocumentReader(file, new BadLines(0));
        while (reader.Read())
        {
            keys.Add(DocumentKey.Of(42, reader.Id, reader.Text));
            var ids = new List<int> { tokenizer.Bos!.Value };       // a trained tokenizer has both ends
            tokenizer.Encode(reader.Text, ids);
            ids.Add(tokenizer.Eos!.Value);
            documents.Add(([.. ids], reader.Text.Length));
        }

        Side[] sides = Split.Of(keys, 0.2, heldOut: false);
        return [.. documents.Where((_, i) => sides[i] == side)];
    }
}
