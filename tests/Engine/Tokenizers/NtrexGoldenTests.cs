using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>Ids of every language of ntrex128, and of odd texts, equal those of the reference libraries.</summary>
/// <remarks>
/// npm tiktoken 1.0.22 for GPT-2 and o200k; libsentencepiece 0.1.97 for XLM-R's .model; Hugging Face's tokenizers
/// 0.23.2 for its tokenizer.json. XLM-R's scores are rebuilt to six digits: its rows hold for that file.
/// </remarks>
public sealed class NtrexGoldenTests
{
    private const string XlmRoberta = "tokenizers/xlm-roberta/sentencepiece.bpe.model";

    [Test, Category("slow")]
    public void Gpt2_GivesTheIdsOfTiktoken() => Check("gpt2", Tokenizer.Load(TestData.Path("tokenizers/gpt2")));

    [Test, Category("slow")]
    public void O200k_GivesTheIdsOfTiktoken() =>
        Check("o200k", Tokenizer.Load(TestData.Path("tokenizers/o200k_base")));

    [Test, Category("slow")]
    public void XlmRobertaModel_GivesTheIdsOfSentencePiece() =>
        Check("xlmr", Tokenizer.LoadXlmRoberta(TestData.Path(XlmRoberta)));

    [Test, Category("slow")]
    public void XlmRobertaJson_GivesTheIdsOfHuggingFace() => Check("xlmr_json", LoadJson());

    [Test, Category("slow")]
    public void XlmRoberta_TheTwoRulesDifferOn228LinesOfNtrex()
    {
        Tokenizer model = Tokenizer.LoadXlmRoberta(TestData.Path(XlmRoberta));
        Tokenizer json = LoadJson();
        int lines = 0, different = 0;
        foreach (string path in Directory.GetFiles(TestData.Path("ntrex128"), "*.txt.gz"))
        {
            foreach (byte[] line in GoldenFiles.Lines(path))
            {
                lines++;
                different += model.Ids(line).AsSpan().SequenceEqual(json.Ids(line)) ? 0 : 1;
            }
        }
        Assert.That((lines, different), Is.EqualTo((149775, 228)));
    }

    private static Tokenizer LoadJson() =>
        TokenizerJson.Read(GoldenFiles.XlmRobertaJson(File.ReadAllBytes(TestData.Path(XlmRoberta))), "tokenizer.json");

    private static void Check(string name, Tokenizer tokenizer)
    {
        string folder = TestData.Path("ntrex128");
        var rows = File.ReadLines(GoldenFiles.Path("ntrex128.tsv")).Select(line => line.Split('\t'))
            .Where(row => row[0] == name).ToArray();
        Assert.That(rows, Has.Length.EqualTo(78));
        Assert.Multiple(() =>
        {
            foreach (string[] row in rows)
            {
                string text = row[1] is "texts" or "patterns" or "random"
                    ? GoldenFiles.Path(row[1] + ".txt")
                    : Path.Combine(folder, row[1] + ".txt.gz");
                var (count, sha256) = GoldenFiles.HashIds(tokenizer, GoldenFiles.Lines(text));
                Assert.That((count, sha256), Is.EqualTo((int.Parse(row[2]), row[3])), row[1]);
            }
        });
    }
}
