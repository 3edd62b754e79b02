using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>What family-cpt.md section 8 says of the decoder, and that documents do not see each other.</summary>
public sealed class DecoderFactTests
{
    private const int Window = 3;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    [TestCase(DType.BF16, 50.5f)]
    [TestCase(DType.F32, 50.59644256f)]
    public void Fact44_EmbeddingScale_IsOfTheWeightsType(DType type, float expected)
    {
        using Backend backend = Backends.Open("reference");
        DecoderConfig config = TinyModels.Config(Architecture.Gemma3, layers: 1) with { Width = 2560 };
        using CausalModel model = ModelFactory.Create(config, backend, type, positions: 1);
        Assert.That(model.EmbeddingScale, Is.EqualTo(expected));
    }

    /// <summary>With the blocks' last projections 0 too, what reaches the head is the normed embedding.</summary>
    [Test]
    public void Fact44_NormWeightsOfZero_ScaleByExactlyOne([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using CausalModel model = TinyModels.Create(TinyModels.Config(Architecture.Gemma3), backend, DType.F32);
        foreach (Parameter parameter in model.Parameters.All)
            if (parameter.Name.Contains("norm") || parameter.Name.Contains("o_proj") || parameter.Name.Contains("down"))
                backend.Fill(0, parameter.Value);
        using var tape = new Tape(backend, poison: true);
        double[] found = Logits(model, tape, [4], [0], [0, 1]);

        Tensor x = tape.Take(DType.F32, new Shape(1, 12)), ones = tape.Take(DType.F32, new Shape(12));
        Tensor rstd = tape.Take(DType.F32, new Shape(1)), logits = tape.Take(DType.F32, new Shape(1, 13));
        Parameter table = model.Parameters["model.embed_tokens.weight"];
        backend.Embedding(ModelInputs.Upload(tape, [4], [0], [0, 1], []).Ids, table.Value, model.EmbeddingScale, x);
        backend.Fill(1, ones);
        backend.RmsNorm(x, ones, offset: 0, model.Config.NormEpsilon, x, rstd);
        backend.Linear(x, new LinearWeight(table.Value), logits);
        Assert.That(found, Is.EqualTo(TestTensors.Read(backend, logits)));
    }

    [Test]
    public void Fact45_LocalLayer_SeesItsWindowAndNoMore(
        [Values] bool local, [ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        DecoderConfig config = TinyModels.Config(Architecture.Gemma3, layers: 1) with
        {
            LocalLayers = [local], Window = Window,
        };
        using CausalModel model = TinyModels.Create(config, backend, DType.F32);
        using var tape = new Tape(backend, poison: true);
        const int Rows = 9;
        int[] ids = TinyModels.Ids[..Rows], positions = [.. Enumerable.Range(0, Rows)];
        double[][] before = Split(Logits(model, tape, ids, positions, [0, Rows]), Rows);
        for (int changed = 0; changed < Rows; changed++)
        {
            int[] others = [.. ids];
            others[changed] = (ids[changed] + 1) % 13;
            double[][] after = Split(Logits(model, tape, others, positions, [0, Rows]), Rows);
            for (int row = 0; row < Rows; row++)
            {
                bool sees = changed <= row && (!local || row - changed < Window);
                Assert.That(after[row], sees ? Is.Not.EqualTo(before[row]) : Is.EqualTo(before[row]),
                    $"row {row} after a change of {changed}");
            }
        }
    }

    /// <summary>Documents around the size of kernel tiles, in one batch and each alone: the same bits.</summary>
    [Test]
    public void IsolatedDocument_HasTheLogitsThatItHasAlone(
        [Values(Architecture.Llama, Architecture.Gemma3)] Architecture architecture,
        [Values(DType.F32, DType.BF16)] DType type)
    {
        int[] lengths = [5, 130, 1, 64, 33, 200];
        DecoderConfig config = TinyModels.Config(architecture) with
        {
            Width = 48, HeadSize = 16, InnerWidth = 72, VocabularySize = 131, Window = 37,
        };
        using Backend backend = Backends.Open("cpu", threads: 2);
        using CausalModel model = TinyModels.Create(config, backend, type, positions: 200);
        using var tape = new Tape(backend, poison: true);
        int rowCount = lengths.Sum();
        int[] ids = [.. Enumerable.Range(0, rowCount).Select(i => i * 37 % 131)];
        int[] positions = [.. lengths.SelectMany(length => Enumerable.Range(0, length))];
        int[] ends = [.. lengths.Select((_, i) => lengths.Take(i + 1).Sum())];
        int[] bounds = [.. ends.SelectMany((end, i) => new[] { end - lengths[i], end })];
        double[][] together = Split(Logits(model, tape, ids, positions, bounds), rowCount);
        for (int i = 0; i < lengths.Length; i++)
        {
            int start = ends[i] - lengths[i];
            double[][] alone = Split(
                Logits(model, tape, ids[start..ends[i]], positions[start..ends[i]], [0, lengths[i]]), lengths[i]);
            for (int row = 0; row < lengths[i]; row++)
                Assert.That(alone[row], Is.EqualTo(together[start + row]), $"document {i}, row {row}");
        }
    }

    private static double[] Logits(CausalModel model, Tape tape, int[] ids, int[] positions, int[] bounds)
    {
        tape.BeginInference();
        ModelInputs inputs = ModelInputs.Upload(tape, ids, positions, bounds, targets: []);
        Tensor logits = tape.Take(model.Parameters.Type, new Shape(ids.Length, model.Config.VocabularySize));
        model.Logits(tape, inputs, firstRow: 0, logits);
        return TestTensors.Read(model.Backend, logits);
    }

    private static double[][] Split(double[] values, int rows) => [.. values.Chunk(values.Length / rows)];
}
