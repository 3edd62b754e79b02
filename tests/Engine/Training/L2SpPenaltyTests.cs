using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Training;

/// <summary>The penalty of L2-SP as the optimizer sees it: its value, its gradient, who counts with which λ.</summary>
internal sealed class L2SpPenaltyTests
{
    private static readonly L2SpConfig Lambdas = new() { First = 0.02, Middle = 0.05, Last = 0.03 };

    private static readonly string[] OneOfEach =
    [
        "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.layers.3.self_attn.q_norm.weight",
        "model.layers.5.self_attn.o_proj.weight", "model.norm.weight",
    ];

    [Test]
    public void Fact15_Gradient_IsThatOfThePenalty_ByFiniteDifferences(
        [Values("reference", "cpu")] string device, [ValueSource(nameof(OneOfEach))] string name)
    {
        using var model = new Pulled(device);
        Assert.That(model.Optimizer.Penalty(), Is.EqualTo(0));
        Assert.That(model.Optimizer.GradientNorm(), Is.EqualTo(0));

        Parameter parameter = model.Parameters[name];
        double[] start = model.Read(parameter.Value);
        double[] moved = [.. start.Select((value, i) => value + (i % 5 - 2) / 8.0)];
        var expected = new double[start.Length];
        const double h = 1 / 64.0;
        for (int i = 0; i < expected.Length; i += 7)
        {
            double[] ahead = [.. moved], behind = [.. moved];
            (ahead[i], behind[i]) = (ahead[i] + h, behind[i] - h);
            expected[i] = (model.PenaltyWith(parameter, ahead) - model.PenaltyWith(parameter, behind)) / (2 * h);
        }

        model.Write(moved, parameter.Value);
        double[] gradient = model.GradientOf(parameter);
        // A quadratic function: the difference is exact but for the rounding of float weights and moments.
        double tolerance = 1e-5 * expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i += 7)
            Assert.That(gradient[i], Is.EqualTo(expected[i]).Within(tolerance), $"{name}[{i}]");
        Assert.That(expected.Max(Math.Abs), Is.GreaterThan(0.001));
    }

    /// <summary>0.02 and so on: the group's λ; embedding and final norm have the first layers'.</summary>
    [TestCase("model.embed_tokens.weight", 0.02)]
    [TestCase("model.norm.weight", 0.02)]
    [TestCase("model.layers.0.input_layernorm.weight", 0.02)]
    [TestCase("model.layers.1.mlp.down_proj.weight", 0.02)]
    [TestCase("model.layers.2.self_attn.k_proj.weight", 0.05)]
    [TestCase("model.layers.4.self_attn.k_norm.weight", 0.05)]
    [TestCase("model.layers.5.mlp.gate_proj.weight", 0.03)]
    public void Fact16_OneElementMoved_CostsLambdaTimesItsSquare(string name, double lambda)
    {
        using var model = new Pulled("cpu");
        Parameter parameter = model.Parameters[name];
        double[] moved = model.Read(parameter.Value);
        const double d = 0.25;
        moved[^1] += d;
        // Weights and 2λ are float: the distance is right to 2^-23 of 1/4.
        Assert.That(model.PenaltyWith(parameter, moved), Is.EqualTo(lambda * d * d).Within(lambda * 1e-6));
        Assert.That(model.Optimizer.GradientNorm(), Is.EqualTo(2 * lambda * d).Within(lambda * 1e-6));
    }

    [Test]
    public void Fact16_TiedHead_CountsOnce()
    {
        using var model = new Pulled("cpu");
        Assert.That(model.Parameters.All.Select(parameter => parameter.Name), Has.None.Contains("lm_head"));
        foreach (Parameter parameter in model.Parameters.All)
            model.Write([.. model.Read(parameter.Value).Select(value => value + 0.5)], parameter.Value);
        double expected = ParameterLayout.Of(model.Config).Sum(parameter =>
            parameter.Shape.Length * 0.25 * model.Penalties.Lambda(parameter.Name));
        Assert.That(model.Optimizer.Penalty(), Is.EqualTo(expected).Within(1e-5 * expected));
    }

    [Test]
    public void Fact19_Multiplier_MultipliesValueAndGradient()
    {
        using Pulled plain = new("cpu"), stronger = new("cpu", Lambdas with { Multiplier = 12 });
        foreach (Pulled model in (Pulled[])[plain, stronger])
            foreach (Parameter parameter in model.Parameters.All)
                model.Write([.. model.Read(parameter.Value).Select(value => value - 0.125)], parameter.Value);
        Assert.That(stronger.Optimizer.Penalty(), Is.EqualTo(12 * plain.Optimizer.Penalty()).Within(1e-5).Percent);
        Assert.That(
            stronger.Optimizer.GradientNorm(), Is.EqualTo(12 * plain.Optimizer.GradientNorm()).Within(1e-5).Percent);
    }

    /// <summary>A Gemma of six layers, groups 2-3-1, whose optimizer sees no gradient but the pull's.</summary>
    private sealed class Pulled : IDisposable
    {
        private readonly FolderBuilder _folder;
        private readonly Backend _backend;
        private readonly CausalModel _model;
        private readonly Anchor _anchor;

        public Pulled(string device, L2SpConfig? lambdas = null)
        {
            Config = ModelRecipe.ToConfig(TinyRun.Recipe, vocabularySize: 23);
            _folder = new FolderBuilder(Config).Write();
            _backend = Backends.Open(device, threads: 2);
            using ModelFolder folder = ModelFolder.Open(_folder.Path, Assert.Fail);
            _model = (CausalModel)ModelLoader.Load(folder, _backend, DType.F32, 32, Assert.Fail);
            _model.Parameters.Train(_ => true);
            _model.Parameters.ClearGradients();
            Penalties = new L2Sp(lambdas ?? Lambdas, LayerGroups.Of(6, 2, 1));
            _anchor = Anchor.Read(
                folder, _model.Parameters.All.Select(parameter => parameter.Name), DType.F32, _backend);
            // Without memory and clipping the first moment is the gradient itself.
            Optimizer = new AdamW(
                _model.Parameters, new AdamWSettings(Beta1: 0, MaxNorm: 0),
                parameter => Penalties.PullOn(parameter, _anchor.Of));
        }

        public ModelConfig Config { get; }

        public L2Sp Penalties { get; }

        public AdamW Optimizer { get; }

        public ParameterSet Parameters => _model.Parameters;

        public double[] Read(Tensor tensor) => TestTensors.Read(_backend, tensor);

        public void Write(double[] values, Tensor tensor) => TestTensors.Write(_backend, values, tensor);

        /// <summary>The penalty with other values of one parameter, which keeps them.</summary>
        public double PenaltyWith(Parameter parameter, double[] values)
        {
            Write(values, parameter.Value);
            return Optimizer.Penalty();
        }

        /// <summary>What an update uses as the gradient of a parameter.</summary>
        public double[] GradientOf(Parameter parameter)
        {
            Optimizer.Update(Optimizer.GradientNorm(), learningRate: 0, update: 1);
            return Read(Optimizer.States.Single(state => state.Parameter == parameter).FirstMoment);
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            _anchor.Dispose();
            _model.Dispose();
            _backend.Dispose();
            _folder.Dispose();
        }
    }
}
