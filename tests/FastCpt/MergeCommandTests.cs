using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Tests.Engine.Alignment;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class MergeCommandTests
{
    private TinyModels _models = null!;

    [SetUp]
    public void CreateModels()
    {
        _models = new TinyModels();
        _models.Create("base", 1);
        _models.Create("trained", 2);
    }

    [TearDown]
    public void RemoveModels() => _models.Dispose();

    [Test]
    public void MergeRevert_WritesTheFolderThatItNames()
    {
        Call call = Merge("revert", "trained", "base");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        Assert.That(call.Output, Is.EqualTo(_models.At("out") + "\n"));
        Assert.That(call.Error, Is.Empty);
        _models.AssertCopies("out", name => LayerGroups.LayerOf(name) is >= 2 and < 5 ? "base" : "trained");
    }

    [TestCase("0-1", 0, 1)]
    [TestCase("5", 5, 5)]
    [TestCase("first", 0, 1)]
    [TestCase("last", 5, 5)]
    public void MergeRevert_TakesGroupsAndRangesWithBothEnds(string layers, int from, int to)
    {
        Assert.That(Merge("revert", "trained", "base", "--layers", layers).Code, Is.EqualTo(ExitCode.Done));
        _models.AssertCopies("out",
            name => LayerGroups.LayerOf(name) is { } i && i >= from && i <= to ? "base" : "trained");
    }

    [Test]
    public void MergeInterpolate_TakesOtherGroupSizes()
    {
        Call call = Merge("interpolate", "trained", "base", "--alpha", "0", "--layers", "middle",
            "--first-layers", "1", "--last-layers", "4", "--json");
        using JsonDocument result = JsonDocument.Parse(call.Output);
        Assert.That(result.RootElement.GetProperty("output").GetString(), Is.EqualTo(_models.At("out")));
        _models.AssertCopies("out", name => LayerGroups.LayerOf(name) == 1 ? "base" : "trained");
    }

    [Test]
    public void MergeSoup_TakesIdsAndAnAnchor()
    {
        Call call = Call.Of("merge", "soup", "b=" + _models.At("trained"), "a=" + _models.At("base"),
            "--anchor", _models.At("base"), "--alpha", "0", "--output", _models.At("out"));
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        _models.AssertCopies("out", _ => "base");
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(_models.At("out/merge.json")));
        Assert.That(manifest.RootElement.GetProperty("inputs").EnumerateArray()
            .Select(input => input.GetProperty("id").GetString()), Is.EqualTo(new[] { "a", "b", "anchor" }));
    }

    [TestCase(ExitCode.Usage, "expected all, first", "--layers", "6")]
    [TestCase(ExitCode.Usage, "expected all, first", "--layers", "3-2")]
    [TestCase(ExitCode.Usage, "needs --layers other than all", "--layers", "all", "--mlp-only")]
    [TestCase(ExitCode.Usage, "below 0", "--first-layers", "-1")]
    [TestCase(ExitCode.Config, "more than the model's 6", "--first-layers", "5", "--last-layers", "2")]
    [TestCase(ExitCode.Usage, "--alpha", "--alpha", "much")]
    public void MergeRevert_RefusesOtherOptions(ExitCode code, string reason, params string[] options)
    {
        Call call = Merge("revert", "trained", "base", options);
        Assert.That(call.Code, Is.EqualTo(code), call.Error);
        Assert.That(call.Error, Does.Contain(reason));
        Assert.That(Directory.Exists(_models.At("out")), Is.False);
    }

    [Test]
    public void Merge_RefusesModelsAndOutputsWithTheirCodes()
    {
        Assert.That(Merge("revert", "trained", "absent").Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(Merge("interpolate", "trained", "base", "--alpha", "2").Code, Is.EqualTo(ExitCode.Config));
        Assert.That(Merge("revert", "trained", "base").Code, Is.EqualTo(ExitCode.Done));
        Call again = Merge("revert", "trained", "base");
        Assert.That(again.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(again.Error, Does.Contain("exists already"));
        Assert.That(Merge("revert", "trained", "base", "--overwrite").Code, Is.EqualTo(ExitCode.Done));
        Call plain = Call.Of("merge", "soup", _models.At("base"), "--layers", "first", "--output", _models.At("soup"));
        Assert.That(plain.Code, Is.EqualTo(ExitCode.Usage));
    }

    private Call Merge(string operation, string trained, string source, params string[] options) => Call.Of(
        ["merge", operation, _models.At(trained), _models.At(source), "--output", _models.At("out"), .. options]);
}
