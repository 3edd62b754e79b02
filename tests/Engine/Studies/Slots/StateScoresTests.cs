using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Which locales a state is scored on, and that scores cost no training.</summary>
[Category("slow")]
public sealed class StateScoresTests
{
    private static readonly string[] All =
        ["strategies=[mono, multi, vanilla, shared, non_shared]", "keep=all", "orders=[{two: [en-US, de-DE]}]"];

    private TinyAdapterStudy _study = null!;

    [SetUp]
    public void CreateStudy() => _study = new TinyAdapterStudy();

    [TearDown]
    public void RemoveStudy() => _study.Dispose();

    [Test]
    public void OtherTestRows_AreScored_AndTrainNothing()
    {
        _study.Run("out", All);
        Dictionary<string, byte[]> weights = _study.Weights("out");
        string[] settings = [.. All, "data.test_rows=5"];
        (AdapterStudyResults results, string[] made) = Again(settings);
        Assert.That(made, Is.Not.Empty.And.All.Match("languages|untrained|/scores"));
        Assert.That(made.Count(name => name.EndsWith("/scores", StringComparison.Ordinal)), Is.EqualTo(8));
        Assert.That(_study.Weights("out"), Is.EqualTo(weights));
        Assert.That(
            AdapterResultsFile.ToText(results), Is.EqualTo(AdapterResultsFile.ToText(_study.Run("fresh", settings))));
        Assert.That(Again(settings).Made, Is.Empty);
    }

    /// <summary>The encoder exists already: one that the study pretrains would be another one.</summary>
    [Test]
    public void LocaleThatIsAdded_TrainsItsOwnStatesAlone()
    {
        TinyAdapterStudy.Run(_study.Config("output_dir=" + _study.At("first")), only: ["base"]);
        _study.StartFrom("first");
        _study.Run("out", [.. All, "data.locales=[de-DE, en-US]"]);
        Dictionary<string, byte[]> weights = _study.Weights("out");
        (AdapterStudyResults results, string[] made) = Again(All);
        Assert.That(made, Is.EquivalentTo(new[]
        {
            "languages", "seed-1/untrained", "seed-1/mono/th-TH", "seed-1/mono/th-TH/scores",
            "seed-1/multi", "seed-1/multi/scores",
        }), "the model of all locales is another one");
        Assert.That(results.Monos[0].F1, Has.Count.EqualTo(3));

        made = Again([.. All, "orders=[{two: [en-US, de-DE]}, {three: [en-US, de-DE, th-TH]}]"]).Made;
        Assert.That(made, Is.EquivalentTo(new[]
        {
            "seed-1/mono/en-US/scores", "seed-1/vanilla/two/02-de-DE/scores",
            "seed-1/vanilla/three/03-th-TH", "seed-1/vanilla/three/03-th-TH/scores",
            "seed-1/rank-4/non_shared/en-US/scores", "seed-1/rank-4/non_shared/de-DE/scores",
            "seed-1/rank-4/non_shared/th-TH", "seed-1/rank-4/non_shared/th-TH/scores",
            "seed-1/rank-4/shared/two/02-de-DE/scores",
            "seed-1/rank-4/shared/three/03-th-TH", "seed-1/rank-4/shared/three/03-th-TH/scores",
        }), "states of the longer sequence are scored on Thai as well");
        Dictionary<string, byte[]> grown = _study.Weights("out");
        foreach ((string name, byte[] bytes) in weights.Where(file => !file.Key.Contains("multi")))
            Assert.That(grown[name], Is.EqualTo(bytes), name);
    }

    [Test]
    public void State_IsScoredOnWhatIsReadOfIt()
    {
        _study.Run("out", All);
        Assert.Multiple(() =>
        {
            Assert.That(Scored("seed-1/mono/th-TH"), Is.EqualTo(new[] { "th-TH" }));
            Assert.That(Scored("seed-1/mono/de-DE"), Is.EqualTo(new[] { "de-DE" }));
            Assert.That(Scored("seed-1/mono/en-US"), Is.EqualTo(new[] { "de-DE", "en-US" }), "VANILLA begins with it");
            Assert.That(Scored("seed-1/rank-4/shared/two/02-de-DE"), Is.EqualTo(new[] { "de-DE", "en-US" }));
            Assert.That(Scored("seed-1/multi"), Is.EqualTo(new[] { "de-DE", "en-US", "th-TH" }));
            Assert.That(
                AdapterState.Read(_study.At("out/seed-1/mono/th-TH/model"))!.TestF1.Keys, // the study wrote it
                Is.EqualTo(new[] { "th-TH" }));
        });
    }

    /// <summary>Each model is trained once more, not once for every state that comes after it.</summary>
    [Test]
    public void ChainOfDroppedModels_IsMadeOnce_ToBeScored()
    {
        string[] settings = ["strategies=[vanilla]", "keep=none"];
        _study.Run("out", settings);
        Assert.That(_study.Weights("out"), Is.Empty);
        (AdapterStudyResults results, string[] made) = Again([.. settings, "data.test_rows=5"]);
        string[] states = ["seed-1/mono/en-US", "seed-1/vanilla/given/02-de-DE", "seed-1/vanilla/given/03-th-TH"];
        Assert.That(made.Where(states.Contains), Is.EqualTo(states));
        AdapterStudyResults fresh = _study.Run("fresh", [.. settings, "data.test_rows=5"]);
        Assert.That(AdapterResultsFile.ToText(results), Is.EqualTo(AdapterResultsFile.ToText(fresh)));
        Assert.That(_study.Weights("out"), Is.Empty);
    }

    private string[] Scored(string state) =>
        [.. SlotStateScores.Load(_study.At($"out/{state}/scores")).Test.Keys];

    /// <summary>Runs the study in "out" and says what it made.</summary>
    private (AdapterStudyResults Results, string[] Made) Again(IReadOnlyList<string> settings)
    {
        var said = new List<string>();
        AdapterStudyConfig config = _study.Config(settings);
        AdapterStudyResults results = TinyAdapterStudy.Run(config, said: said)!; // all is asked for
        return (results,
        [
            .. said.Where(line => line.StartsWith("made ", StringComparison.Ordinal))
                .SelectMany(line => line[5..line.LastIndexOf(" in ", StringComparison.Ordinal)].Split(", ")),
        ]);
    }
}
