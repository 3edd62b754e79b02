using FastCpt.Engine.Adapters;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Which modules settings select, and of which rank and scale, as PEFT's rules have it.</summary>
internal sealed class LoraTargetsTests
{
    private const string Query = "roberta.encoder.layer.3.attention.self.query";
    private const string Dense = "roberta.encoder.layer.3.output.dense";

    [TestCase(@".*\.(query|value)", Query, ExpectedResult = true)]
    [TestCase("query", Query, ExpectedResult = false, Description = "a pattern matches whole names")]
    [TestCase(@".*query.", Query, ExpectedResult = false)]
    [TestCase(@"(?!.*output).*dense", Dense, ExpectedResult = false, Description = "looking ahead")]
    [TestCase(@"(?!.*attention).*dense", Dense, ExpectedResult = true)]
    [TestCase("a|" + Query, Query, ExpectedResult = true)]
    public bool Pattern_MatchesWholeNames(string pattern, string name) =>
        new LoraTargets(new LoraSettings { TargetPattern = pattern }).Selects(name);

    [TestCase(new[] { "output.dense" }, null, null, ExpectedResult = false)]
    [TestCase(new[] { "dense" }, null, null, ExpectedResult = false)]
    [TestCase(new[] { "put.dense" }, null, null, ExpectedResult = true)]
    [TestCase(new string[0], @".*\.3\..*", null, ExpectedResult = false)]
    [TestCase(new string[0], "output", null, ExpectedResult = true)]
    [TestCase(new string[0], null, "output", ExpectedResult = false, Description = "below a module that is stored")]
    [TestCase(new string[0], null, "put", ExpectedResult = true)]
    public bool ExcludedAndStoredModules_GetNone(string[] excluded, string? pattern, string? stored) =>
        new LoraTargets(new LoraSettings
        {
            Targets = ["dense"], ExcludedModules = excluded, ExcludedPattern = pattern,
            ModulesToSave = stored is null ? [] : [stored],
        }).Selects(Dense);

    [TestCase(new[] { 3 }, null, Query, ExpectedResult = true)]
    [TestCase(new[] { 2, 4 }, null, Query, ExpectedResult = false)]
    [TestCase(new int[0], null, Query, ExpectedResult = true, Description = "an empty list asks for nothing")]
    [TestCase(new[] { 3 }, "layer", Query, ExpectedResult = true)]
    [TestCase(new[] { 3 }, "layers", Query, ExpectedResult = false)]
    [TestCase(new[] { 3 }, "layers?", Query, ExpectedResult = true)]
    [TestCase(new[] { 0 }, null, "layers.0.query", ExpectedResult = false, Description = "nothing before layers")]
    [TestCase(new[] { 0 }, null, "query", ExpectedResult = true, Description = "the whole name")]
    public bool Layers_AreFoundByTheNumberInTheName(int[] layers, string? pattern, string name) =>
        new LoraTargets(new LoraSettings
        {
            Targets = ["query"], LayersToTransform = layers, LayersPattern = pattern is null ? [] : [pattern],
        }).Selects(name);

    [TestCase("query", ExpectedResult = 16)]
    [TestCase("self.query", ExpectedResult = 16)]
    [TestCase("uery", ExpectedResult = 8, Description = "an end begins after a dot")]
    [TestCase(@"layer\.3\..*", ExpectedResult = 16)]
    [TestCase(@"layer\.3", ExpectedResult = 8)]
    [TestCase("(query|key)", ExpectedResult = 16)]
    public int RankPattern_MatchesNamesOrEnds(string key) =>
        new LoraTargets(new LoraSettings { RankPattern = [new(key, 16)] }).RankOf(Query);

    [Test]
    public void Patterns_TheFirstThatMatchesCounts_AndRankAndAlphaAreApart()
    {
        var targets = new LoraTargets(new LoraSettings
        {
            Rank = 4, Alpha = 8, RankPattern = [new("query", 16), new(".*", 2)], AlphaPattern = [new("dense", 3)],
        });
        Assert.That(targets.RankOf(Query), Is.EqualTo(16));
        Assert.That(targets.RankOf(Dense), Is.EqualTo(2));
        Assert.That(targets.ScaleOf(Query), Is.EqualTo(0.5f));
        Assert.That(targets.ScaleOf(Dense), Is.EqualTo(1.5f));
    }

    [Test]
    public void SettingsThatMakeNoSense_AreRefused()
    {
        LoraSettings plain = new();
        foreach (var (settings, word) in new[]
            {
                (plain with { TargetPattern = "(" }, "'('"),
                (plain with { TargetPattern = "a)|(b" }, "'a)|(b'"),
                (plain with { RankPattern = [new("x", 0)] }, "rank"),
                (plain with { AlphaPattern = [new("x", double.NaN)] }, "alpha"),
                (plain with { Dropout = 1 }, "dropout"),
                (plain with { LayersPattern = ["layers"] }, "layers_to_transform"),
                (plain with { TargetPattern = ".*", LayersToTransform = [1] }, "layers_to_transform"),
            })
        {
            var refused = Assert.Throws<RunException>(() => _ = new LoraTargets(settings), word);
            Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
            Assert.That(refused.Message, Does.Contain(word));
        }
    }

    /// <summary>Looking ahead needs the engine that can take forever; it is stopped.</summary>
    [Test, Category("slow")]
    public void PatternThatTakesForever_IsRefused()
    {
        var targets = new LoraTargets(new LoraSettings { TargetPattern = "(?=a)(a+)+b" });
        var refused = Assert.Throws<RunException>(() => targets.Selects(new string('a', 60)));
        Assert.That(refused.Message, Does.Contain("more than 2 s"));
    }
}
