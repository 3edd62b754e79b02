using System.Buffers;
using System.Text;
using System.Text.Json;
using FastCpt.Engine;
using FastCpt.Engine.Decoding;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Decoding;

/// <summary>Real weights, small enough for a test: stories260K, with what an independent float64 run gives.</summary>
public sealed class GreedyDecoderTests
{
    private const string Folder = "weights/stories260K";
    private const int Bos = 1;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    [Test]
    public void Stories260K_LogitsAfterBos_AreThePublishedOnes([ValueSource(nameof(Devices))] string device)
    {
        using JsonDocument expected = Expected();
        double[] published = [.. expected.RootElement.GetProperty("logits_after_bos").EnumerateArray()
            .Select(value => value.GetDouble())];
        foreach (var (type, tolerance) in Types(device))
        {
            using Backend backend = Backends.Open(device);
            using CausalModel model = Llama2cReader.Load(Path.Combine(Root(), "stories260K.bin"), backend, type, 1);
            using var tape = new Tape(backend, poison: true);
            tape.BeginInference();
            ModelInputs inputs = ModelInputs.Upload(tape, [Bos], [0], [0, 1], []);
            Tensor logits = tape.Take(type, new Shape(1, published.Length));
            model.Logits(tape, inputs, firstRow: 0, logits);
            double[] found = TestTensors.Read(backend, logits);
            for (int i = 0; i < published.Length; i++)
                Assert.That(found[i], Is.EqualTo(published[i]).Within(HalfOfSixthDigit(published[i]) + tolerance));
        }
    }

    [Test, Category("slow")]
    public void Stories260K_GreedyPiecesAndText_AreThePublishedOnes()
    {
        using JsonDocument expected = Expected();
        JsonElement greedy = expected.RootElement.GetProperty("greedy_from_bos");
        int[] published = [.. greedy.GetProperty("token_ids").EnumerateArray().Select(value => value.GetInt32())];
        using Backend backend = Backends.Open("cpu");
        using CausalModel model = Llama2cReader.Load(Path.Combine(Root(), "stories260K.bin"), backend, DType.F32, 512);
        using var decoder = new GreedyDecoder(model);
        IReadOnlyList<int> pieces = decoder.Continue([Bos], published.Length - 1, model.Config.EosTokens);
        Assert.That(pieces, Is.EqualTo(published[1..]));

        var text = new ArrayBufferWriter<byte>();
        Tokenizer.Load(Path.Combine(Root(), "tok512.bin")).Decode([Bos, .. pieces], text);
        Assert.That(Encoding.UTF8.GetString(text.WrittenSpan), Is.EqualTo(greedy.GetProperty("text").GetString()));
    }

    [Test]
    public void Decoder_StopsAtAnEnd_AtTheLimit_AndAtTheLongestRow()
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(
            TinyModels.Config(Architecture.Llama), backend, DType.F32);
        using var decoder = new GreedyDecoder(model);
        int[] prompt = [3, 7];
        IReadOnlyList<int> pieces = decoder.Continue(prompt, maxPieces: 100, ends: []);
        Assert.Multiple(() =>
        {
            Assert.That(pieces, Has.Count.EqualTo(TinyModels.Rows - 2));
            Assert.That(decoder.Continue(prompt, 4, []), Is.EqualTo(pieces.Take(4)));
            Assert.That(decoder.Continue(prompt, 0, []), Is.Empty);
            int end = pieces[2];
            int count = pieces.ToList().IndexOf(end) + 1;
            Assert.That(decoder.Continue(prompt, 100, [end]), Is.EqualTo(pieces.Take(count)));
        });
    }

    private static string Root() => TestData.Path(Folder);

    private static JsonDocument Expected() =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Root(), "expected.json")));

    /// <summary>The largest logit is 12: 3e-6 of that in float32, and almost nothing in double.</summary>
    private static IEnumerable<(DType Type, double Tolerance)> Types(string device) =>
        device == "reference" ? [(DType.F64, 1e-7), (DType.F32, 4e-5)] : [(DType.F32, 4e-5)];

    /// <summary>The published numbers are rounded to six digits.</summary>
    private static double HalfOfSixthDigit(double value) =>
        0.5 * Math.Pow(10, Math.Floor(Math.Log10(Math.Abs(value))) - 5);
}
