using System.Text.Json;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>
/// The optimizer against PyTorch in double (tests/oracles/optimizer), and its rules for who decays and pulls.
/// </summary>
internal sealed class AdamWTests
{
    [Test]
    public void Fact22_Updates_AgreeWithPyTorch(
        [Values("adamw", "adamw-l2sp-clipped", "adamw-l2sp-from-anchor")] string name,
        [Values("reference", "cpu")] string device)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(
            Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "optimizer", name + ".json")));
        JsonElement root = golden.RootElement;
        using Backend backend = Backends.Open(device);
        // Settings are floats in the contract, and so are the values of the Cpu backend: 5 updates of a few ulp each.
        DType type = device == "reference" ? DType.F64 : DType.F32;
        double tolerance = device == "reference" ? 2e-6 : 1e-5;
        using var run = new GoldenRun(root, backend, type);
        int update = 0;
        foreach (JsonElement step in root.GetProperty("steps").EnumerateArray())
        {
            double norm = run.Step(update);
            double expectedNorm = step.GetProperty("gradient_norm").GetDouble();
            Assert.That(norm, Is.EqualTo(expectedNorm).Within(tolerance * expectedNorm), $"update {update + 1}");
            for (int i = 0; i < run.Parameters.Count; i++)
            {
                double[] expected = Numbers(step.GetProperty("values")[i]);
                double[] actual = TestTensors.Read(backend, run.Parameters[i].Value);
                double scale = expected.Max(Math.Abs);
                for (int element = 0; element < expected.Length; element++)
                    Assert.That(actual[element], Is.EqualTo(expected[element]).Within(tolerance * scale),
                        $"update {update + 1}, {run.Parameters[i].Name}[{element}]");
            }

            update++;
        }
    }

    [Test]
    public void Fact22_Decay_ConcernsMatricesAlone()
    {
        using Backend backend = Backends.Open("cpu");
        using var parameters = new ParameterSet(backend, DType.F32);
        Parameter matrix = parameters.Add("model.embed_tokens.weight", new Shape(4, 3));
        Parameter norm = parameters.Add("model.norm.weight", new Shape(3));
        parameters.Train(_ => true);
        backend.Fill(1, matrix.Value);
        backend.Fill(1, norm.Value);
        parameters.ClearGradients();
        using var optimizer = new AdamW(parameters, new AdamWSettings(WeightDecay: 0.5f), _ => default);
        optimizer.Update(optimizer.GradientNorm(), 0.1, 1);
        Assert.That(TestTensors.Read(backend, matrix.Value), Is.All.EqualTo(0.95).Within(1e-6));
        Assert.That(TestTensors.Read(backend, norm.Value), Is.All.EqualTo(1));
    }

    [Test]
    public void Fault_N1_NonFiniteNorm_NeverReachesTheWeights()
    {
        using Backend backend = Backends.Open("cpu");
        using var parameters = new ParameterSet(backend, DType.F32);
        Parameter weight = parameters.Add("model.norm.weight", new Shape(3));
        parameters.Train(_ => true);
        backend.Fill(1, weight.Value);
        TestTensors.Write(backend, [0, double.NaN, 0], weight.Gradient);
        using var optimizer = new AdamW(parameters, new AdamWSettings(), _ => default);
        double norm = optimizer.GradientNorm();
        Assert.That(norm, Is.NaN);
        Assert.That(optimizer.FirstNonFinite(), Is.EqualTo("the gradient of model.norm.weight"));
        Assert.Throws<ArgumentException>(() => optimizer.Update(norm, 0.1, 1));
        Assert.That(TestTensors.Read(backend, weight.Value), Is.All.EqualTo(1));
    }

    private static double[] Numbers(JsonElement array) =>
        [.. array.EnumerateArray().Select(value => value.GetDouble())];

    /// <summary>The parameters of a golden file under our optimizer.</summary>
    private sealed class GoldenRun : IDisposable
    {
        private readonly JsonElement _root;
        private readonly Backend _backend;
        private readonly ParameterSet _set;
        private readonly List<DeviceBuffer> _anchors = [];
        private readonly AdamW _optimizer;

        public GoldenRun(JsonElement root, Backend backend, DType type)
        {
            (_root, _backend, _set) = (root, backend, new ParameterSet(backend, type));
            var pulls = new Dictionary<string, Pull>();
            foreach (JsonElement parameter in root.GetProperty("parameters").EnumerateArray())
            {
                long[] extents = [.. parameter.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
                bool decays = parameter.GetProperty("decays").GetBoolean();
                // Ours decides by rank: what decays there is a matrix here, what does not is a list.
                long length = new Shape(extents).Length;
                Shape shape = decays ? new Shape(1, length) : new Shape(length);
                Parameter added = _set.Add(parameter.GetProperty("name").GetString()!, shape);
                Assert.That(added.Decays, Is.EqualTo(decays));
                TestTensors.Write(backend, Numbers(parameter.GetProperty("initial")), added.Value);
                if (parameter.GetProperty("lambda").GetDouble() is > 0 and var lambda)
                    pulls[added.Name] = new Pull(Anchor(parameter, added, type), (float)(2 * lambda));
            }

            _set.Train(_ => true);
            JsonElement norm = root.GetProperty("max_norm");
            _optimizer = new AdamW(
                _set,
                new AdamWSettings(
                    Single("beta1"), Single("beta2"), Single("epsilon"), Single("weight_decay"),
                    norm.ValueKind == JsonValueKind.Null ? 0 : norm.GetSingle()),
                parameter => pulls.GetValueOrDefault(parameter.Name));
        }

        public IReadOnlyList<Parameter> Parameters => _set.All;

        /// <returns>The norm before clipping.</returns>
        public double Step(int update)
        {
            for (int i = 0; i < _set.All.Count; i++)
                TestTensors.Write(
                    _backend, Numbers(_root.GetProperty("parameters")[i].GetProperty("gradients")[update]),
                    _set.All[i].Gradient);
            double norm = _optimizer.GradientNorm();
            _optimizer.Update(norm, _root.GetProperty("learning_rates")[update].GetDouble(), update + 1);
            return norm;
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            foreach (DeviceBuffer anchor in _anchors)
                anchor.Dispose();
            _set.Dispose();
        }

        private float Single(string key) => _root.GetProperty(key).GetSingle();

        private Tensor Anchor(JsonElement parameter, Parameter added, DType type)
        {
            DeviceBuffer memory = _backend.Allocate(added.Value.Bytes);
            _anchors.Add(memory);
            Tensor anchor = memory.At(0, type, added.Value.Shape);
            TestTensors.Write(_backend, Numbers(parameter.GetProperty("anchor")), anchor);
            return anchor;
        }
    }
}
