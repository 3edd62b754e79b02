using System.Runtime.InteropServices;
using System.Text.Json;
using FastCpt.Engine;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

/// <summary>A folder of tests/Golden/models: a decoder, rows, and what an independent implementation makes.</summary>
/// <remarks>Computed by tests/oracles/models. All rows of a case run as one batch, a segment per document.</remarks>
internal sealed class GoldenCase
{
    private GoldenCase(string name) => Folder = Path.Combine(Root, name);

    private static string Root => Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "models");

    /// <summary>The decoders; the encoder has its own, <see cref="GoldenEncoder"/>.</summary>
    public static IEnumerable<string> Names => Directory.GetDirectories(Root)
        .Select(folder => Path.GetFileName(folder)!)      // not null: a folder has a name
        .Where(name => name != "encoder-tiny").Order(StringComparer.Ordinal);

    public string Folder { get; }

    public int[] Ids { get; private set; } = [];

    public int[] Targets { get; private set; } = [];

    public int[] Positions { get; private set; } = [];

    public int[] Bounds { get; private set; } = [];

    public int LongestDocument => Positions.Max() + 1;

    private int Predicted => Targets.Count(target => target >= 0);

    public static GoldenCase Read(string name)
    {
        var golden = new GoldenCase(name);
        using JsonDocument inputs = StrictJson.Load(Path.Combine(golden.Folder, "inputs.json"), ExitCode.ModelFile);
        foreach (JsonElement row in inputs.RootElement.GetProperty("rows").EnumerateArray())
        {
            int first = golden.Ids.Length;
            golden.Ids = [.. golden.Ids, .. Numbers(row.GetProperty("tokens"))];
            golden.Targets = [.. golden.Targets, .. Numbers(row.GetProperty("targets"))];
            foreach (JsonElement segment in row.GetProperty("segments").EnumerateArray())
            {
                int[] bounds = Numbers(segment);
                golden.Bounds = [.. golden.Bounds, first + bounds[0], first + bounds[1]];
                golden.Positions = [.. golden.Positions, .. Enumerable.Range(0, bounds[1] - bounds[0])];
            }
        }

        return golden;

        static int[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetInt32())];
    }

    public CausalModel Load(Backend backend, DType type) =>
        (CausalModel)ModelLoader.Load(
            Folder, backend, type, LongestDocument, warning => TestContext.Out.WriteLine(warning));

    /// <summary>Everything that the model makes of the case, under the names of the expected tensors.</summary>
    public Dictionary<string, double[]> Run(CausalModel model, bool recompute = false)
    {
        Backend backend = model.Backend;
        var results = new Dictionary<string, double[]>();
        using var tape = new Tape(backend, poison: true);
        tape.BeginInference();
        Tensor logits = tape.Take(model.Parameters.Type, new Shape(Ids.Length, model.Config.VocabularySize));
        model.Logits(tape, ModelInputs.Upload(tape, Ids, Positions, Bounds, []), firstRow: 0, logits);
        results["logits"] = TestTensors.Read(backend, logits);

        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        tape.BeginTraining(recompute);
        ModelInputs inputs = ModelInputs.Upload(tape, Ids, Positions, Bounds, Targets);
        Tensor losses = tape.Take(model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32, new Shape(Ids.Length));
        model.Losses(tape, inputs, 1f / Predicted, losses);
        results["token_losses"] = TestTensors.Read(backend, losses);
        results["loss"] = [results["token_losses"].Sum() / Predicted];
        tape.Backward();
        foreach (Parameter parameter in model.Parameters.All)
            results[$"grad.{parameter.Name}"] = TestTensors.Read(backend, parameter.Gradient);
        return results;
    }

    public Dictionary<string, double[]> Expected() => ReadExpected(Folder);

    public static Dictionary<string, double[]> ReadExpected(string folder) =>
        ReadTensors(folder, "expected.safetensors");

    /// <summary>Tensors of F64, F32 or I64.</summary>
    public static Dictionary<string, double[]> ReadTensors(string folder, string name)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(folder, name));
        var expected = new Dictionary<string, double[]>();
        foreach (TensorEntry entry in file.Entries)
        {
            var bytes = new byte[entry.ByteCount];
            file.Read(entry, bytes);
            expected[entry.Name] = entry.Type switch
            {
                DType.F64 => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
                DType.I64 => Array.ConvertAll(MemoryMarshal.Cast<byte, long>(bytes).ToArray(), value => (double)value),
                _ => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), value => (double)value),
            };
        }

        return expected;
    }
}
