using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Parameters;

public sealed class PackedWeightsTests
{
    /// <summary>Between the first and the last layer something trains, so that gradients go through the last.</summary>
    [Test]
    public void FrozenWeights_HaveCopies_ForThePassesThatReachThem()
    {
        using Layers layers = new(trained: "middle");
        using (var packed = new PackedWeights(layers.Parameters, layers.Linears, rows: 100))
        {
            Assert.That(Sides(layers["first"]), Is.EqualTo((true, false)));
            Assert.That(Sides(layers["middle"]), Is.EqualTo((false, false)));
            Assert.That(Sides(layers["last"]), Is.EqualTo((true, true)));
            Assert.That(packed.Bytes, Is.GreaterThanOrEqualTo(3 * 40 * 24 * sizeof(float)));
            Assert.That(
                () => new PackedWeights(layers.Parameters, layers.Linears, rows: 100),
                Throws.InvalidOperationException.With.Message.Contains("first"));
            Assert.That(Sides(layers["last"]), Is.EqualTo((true, true)), "what another one holds");
        }

        Assert.That(layers.Linears.Select(linear => Sides(linear.Weight)), Is.All.EqualTo((false, false)));
    }

    [Test]
    public void ManyRows_HaveCopiesForGradientsAlone()
    {
        using Layers layers = new(trained: "middle");
        using var packed = new PackedWeights(layers.Parameters, layers.Linears, PackedWeights.MostForwardRows + 1);
        Assert.That(Sides(layers["first"]), Is.EqualTo((false, false)));
        Assert.That(Sides(layers["last"]), Is.EqualTo((false, true)));
    }

    [Test]
    public void ManyMoreRows_NeedNoCopies()
    {
        using Layers layers = new(trained: "first");
        using var packed = new PackedWeights(layers.Parameters, layers.Linears, PackedWeights.MostRows + 1);
        Assert.That(packed.Bytes, Is.Zero);
        Assert.That(Sides(layers["last"]), Is.EqualTo((false, false)));
    }

    [Test]
    public void MostBytes_AreThoseOfBothSides()
    {
        using Layers layers = new(trained: "middle");
        long most = PackedWeights.MostBytes(layers.Parameters, layers.Linears);
        using var packed = new PackedWeights(layers.Parameters, layers.Linears, rows: 1);
        Assert.That(most, Is.EqualTo(packed.Bytes).And.Positive);
    }

    [Test]
    public void WeightThatIsTrainedAfterAll_HasNoCopy()
    {
        using Layers layers = new(trained: "first");
        using var packed = new PackedWeights(layers.Parameters, layers.Linears, rows: 1);
        layers.Parameters.Train(parameter => parameter.Name == "middle");
        Assert.That(Sides(layers["middle"]), Is.EqualTo((false, false)));
        Assert.That(Sides(layers["last"]), Is.EqualTo((true, true)));
    }

    private static (bool Forward, bool Backward) Sides(Parameter weight) =>
        (!weight.Packed.Forward.IsNone, !weight.Packed.Backward.IsNone);

    private sealed class Layers : IDisposable
    {
        private readonly Backend _backend = Backends.Open("cpu");

        public Layers(string trained)
        {
            Parameters = new ParameterSet(_backend, DType.F32);
            Linears =
            [
                .. new[] { "first", "middle", "last" }.Select(
                    name => new Linear(name, Parameters.Add(name, new Shape(40, 24)))),
            ];
            foreach (Parameter parameter in Parameters.All)
                _backend.Fill(1, parameter.Value);
            Parameters.Train(parameter => parameter.Name == trained);
        }

        public ParameterSet Parameters { get; }

        public Linear[] Linears { get; }

        public Parameter this[string name] => Parameters[name];

        public void Dispose()
        {
            Parameters.Dispose();
            _backend.Dispose();
        }
    }
}
