using FastCpt.Engine.Adapters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Counts of adapters on the published encoder, from its shapes alone.</summary>
internal sealed class LoraCountTests
{
    private const int Width = 768, Inner = 3072, Layers = 12;

    private static readonly string[] All = ["query", "key", "value", "dense"];

    [TestCase(32, 5_308_416, 5_357_568, 278_593_536)]
    [TestCase(64, 10_616_832, 10_715_136, 557_187_072)]
    [TestCase(256, 42_467_328, 42_860_544, 2_228_748_288)]
    public void Fact16_CountsOfAllLinears(int rank, long live, long withPooler, long of52Languages)
    {
        foreach (string[] targets in new[] { All, [LoraSettings.AllLinear] })
        {
            var settings = new LoraSettings { Rank = rank, Alpha = rank, Targets = targets };
            Assert.That(LoraCount.Of(Linears(), settings), Is.EqualTo(live));
            Assert.That(LoraCount.PaperCompatible(Linears(), Width, settings), Is.EqualTo(withPooler));
            Assert.That(52 * LoraCount.PaperCompatible(Linears(), Width, settings), Is.EqualTo(of52Languages));
        }
    }

    [TestCase("query,value", 1_179_648)]
    [TestCase("query,key,value,attention.output.dense", 2_359_296)]
    public void Fact16_CountsOfAttentionAlone(string targets, long count)
    {
        var settings = new LoraSettings { Rank = 32, Targets = targets.Split(',') };
        Assert.That(LoraCount.Of(Linears(), settings), Is.EqualTo(count));
        Assert.That(LoraCount.PaperCompatible(Linears(), Width, settings), Is.EqualTo(count));
    }

    private static IEnumerable<(string, Shape)> Linears() => Enumerable.Range(0, Layers).SelectMany(layer =>
    {
        string name = $"roberta.encoder.layer.{layer}";
        return new (string, Shape)[]
        {
            ($"{name}.attention.self.query", new(Width, Width)), ($"{name}.attention.self.key", new(Width, Width)),
            ($"{name}.attention.self.value", new(Width, Width)),
            ($"{name}.attention.output.dense", new(Width, Width)),
            ($"{name}.intermediate.dense", new(Inner, Width)), ($"{name}.output.dense", new(Width, Inner)),
        };
    });
}
