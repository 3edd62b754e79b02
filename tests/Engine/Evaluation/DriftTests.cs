using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Evaluation;

/// <summary>Distances between models: of a model from itself, and of opposite changes.</summary>
internal sealed class DriftTests
{
    private const string Moved = "model.layers.1.mlp.up_proj.weight";

    private TestFolder _folder = null!; // SetUp makes it

    [SetUp]
    public void SetUp() => _folder = new TestFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Fact39_ModelAgainstItself_HasCosineOneAndNoDistance()
    {
        Save("base", 0);
        using ModelFolder origin = Open("base"), same = Open("base");
        foreach (PartDrift part in Drift.Measure(origin, same).Values)
        {
            Assert.That(part.Cosine, Is.EqualTo(1));
            Assert.That(part.Rms, Is.EqualTo(0));
            Assert.That(part.Relative, Is.EqualTo(0));
        }

        Assert.That(Drift.TaskVectorCosines(origin, same, same).Values, Has.All.EqualTo(1), "two zero changes agree");
    }

    [Test]
    public void Fact40_TaskVectorCosine_IsSymmetric_AndMinusOneForOppositeChanges()
    {
        Save("base", 0);
        Save("up", 0.25);
        Save("down", -0.25);
        using ModelFolder origin = Open("base"), up = Open("up"), down = Open("down");
        IReadOnlyDictionary<int, double> there = Drift.TaskVectorCosines(origin, up, down);
        IReadOnlyDictionary<int, double> back = Drift.TaskVectorCosines(origin, down, up);
        Assert.That(there, Is.EqualTo(back));
        Assert.That(there[1], Is.EqualTo(-1).Within(1e-6));
        Assert.That(there[0], Is.EqualTo(1), "neither changed the layer");
        Assert.That(Drift.TaskVectorCosines(origin, up, origin)[1], Is.EqualTo(0), "exactly one did");
    }

    [Test]
    public void Fact40_Rms_IsTheRootOfTheMeanSquaredChange()
    {
        Save("base", 0);
        Save("up", 0.25);
        using ModelFolder origin = Open("base"), up = Open("up");
        PartDrift layer = Drift.Measure(origin, up)[1];
        long moved = ParameterLayout.Of(origin.Config).First(parameter => parameter.Name == Moved).Shape.Length;
        // Values near one are stored with errors of some 1e-8.
        Assert.That(layer.Distance, Is.EqualTo(moved * 0.25 * 0.25).Within(1e-5));
        Assert.That(layer.Rms, Is.EqualTo(0.25 * Math.Sqrt((double)moved / layer.Elements)).Within(1e-6));
    }

    [Test]
    public void Drift_OfAnotherShape_IsRefused()
    {
        Save("base", 0);
        Save("deeper", 0, layers: 3);
        using ModelFolder origin = Open("base"), deeper = Open("deeper");
        Assert.That(() => Drift.Measure(origin, deeper), Throws.Exception.With.Message.Contains("parameters"));
        Assert.That(() => Drift.Measure(deeper, origin), Throws.Exception.With.Message.Contains("missing"));
    }

    /// <summary>A tiny model whose one tensor is moved by an amount in every element.</summary>
    private void Save(string name, double change, int layers = 2)
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(
            TinyModels.Config(Architecture.Llama, layers) with { AttentionScale = (float)(1 / Math.Sqrt(6)) },
            backend, DType.F32);
        Tensor parameter = model.Parameters[Moved].Value;
        double[] values = TestTensors.Read(backend, parameter);
        TestTensors.Write(backend, Array.ConvertAll(values, value => value + change), parameter);
        ModelSaver.Save(_folder.At(name), model, DType.F32);
    }

    private ModelFolder Open(string name) => ModelFolder.Open(_folder.At(name), _ => { });
}
