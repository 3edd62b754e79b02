using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Strategies against each other and against ones that are put together by hand; what becomes of the encoder
/// in memory.</summary>
[Category("slow")]
public sealed class StrategyFactTests
{
    private const string Adapters = "seed-1/rank-4";

    private TinyAdapterStudy _study = null!;

    [SetUp]
    public void CreateStudy() => _study = new TinyAdapterStudy();

    [TearDown]
    public void RemoveStudy() => _study.Dispose();

    /// <summary>German is learned first and alone in one study, in the other after English and beside it; by hand
    /// without either.</summary>
    [Test]
    public void Fact23_FirstSteps_AreThoseOfOneLanguageAlone()
    {
        string[] order = ["de-DE", "en-US"];
        string[] settings =
            ["strategies=[shared, vanilla]", $"orders=[{{own: [{string.Join(", ", order)}]}}]", "keep=all"];
        _study.Run("chains", settings);
        _study.Run("singles", "strategies=[mono, non_shared]", "parallel_adapters=3", "keep=all");
        using var hand = new HandMadeStrategies(_study.Config(settings), _study.At("chains"));
        var shared = hand.Adapter(4, order);
        var vanilla = hand.Whole(order);
        Assert.Multiple(() =>
        {
            AreSame(Adapter("chains", "non_shared/de-DE"), Adapter("singles", "non_shared/de-DE"), "SHARED, step 1");
            AreSame(Adapter("chains", "non_shared/de-DE"), shared[0], "SHARED by hand, step 1");
            AreSame(Adapter("chains", "shared/own/02-en-US"), shared[1], "SHARED by hand, step 2");
            AreSame(Adapter("singles", "non_shared/en-US"), hand.Adapter(4, "en-US")[0], "NON-SHARED by hand");
            AreSame(Whole("chains", "mono/de-DE"), Whole("singles", "mono/de-DE"), "VANILLA, step 1");
            AreSame(Whole("chains", "mono/de-DE"), vanilla[0], "VANILLA by hand, step 1");
            AreSame(Whole("chains", "vanilla/own/02-en-US"), vanilla[1], "VANILLA by hand, step 2");
            AreSame(Whole("singles", "mono/en-US"), hand.Whole("en-US")[0], "MONO by hand");
            Assert.That(shared[1]["classifier.weight"], Is.Not.EqualTo(shared[0]["classifier.weight"]));
            Assert.That(vanilla[1]["classifier.weight"], Is.Not.EqualTo(vanilla[0]["classifier.weight"]));
        });
    }

    /// <summary>MULTI of a study with that language alone, over the same encoder, and MONO of one with three.</summary>
    [Test]
    public void Fact23_MultiOfOneLanguage_IsMono()
    {
        _study.Run("mono", "strategies=[mono]", "keep=all");
        _study.Run(
            "multi", "strategies=[multi]", "data.locales=[de-DE]", "base.model=null", "base.training=null",
            $"base.model.path={_study.At("mono/base/final")}", "tokenizer.vocabulary_size=null",
            $"tokenizer.path={_study.At("mono/tokenizer")}");
        AreSame(Whole("multi", "mono/de-DE"), Whole("mono", "mono/de-DE"), "MULTI of one language");
        Assert.That(Whole("mono", "mono/en-US")["classifier.weight"], Is.Not.EqualTo(
            Whole("mono", "mono/de-DE")["classifier.weight"]));
    }

    /// <summary>The paper's setting, planned: 52 languages over the shapes of the published encoder.</summary>
    [Test]
    public void Fact25_Over52Steps_SharedIsOneAdapter_AndNonSharedOneMoreAStep()
    {
        AdapterStudyConfig config = Paper();
        PlannedSequence[] sequences = OfAdapters(config);
        Assert.That(sequences.Select(sequence => sequence.Strategy).Distinct().Count(), Is.EqualTo(2));
        foreach (PlannedSequence sequence in sequences)
            Assert.That(
                Enumerable.Range(1, 52).Select(
                    step => sequence.Locales.Take(step).Select(sequence.AdapterOf).Distinct().Count()),
                Is.EqualTo(sequence.Strategy == SharingStrategy.Shared
                    ? Enumerable.Repeat(1, 52) : Enumerable.Range(1, 52)), sequence.Order);
        foreach (int rank in config.Lora.Ranks)
            Assert.That(
                sequences.Where(one => one.Strategy == SharingStrategy.NonShared && one.Rank == rank)
                    .SelectMany(one => one.Scores).Distinct().Count(), Is.EqualTo(52), "whatever the order");
    }

    /// <summary>What is the same lesson is one state, so that equal strategies have the same ones.</summary>
    [Test]
    public void Fact24_GroupsOf52Languages_HaveTheStatesOfSharedAndNonShared([Values] bool isOne)
    {
        AdapterStudyConfig paper = Paper();
        PlannedSequence[] sequences = OfAdapters(paper with
        {
            Strategies = [isOne ? SharingStrategy.Shared : SharingStrategy.NonShared, SharingStrategy.Grouped],
            Grouping = new GroupingConfig
            {
                By = Grouping.List,
                Groups = isOne ? [new LocaleGroup { Name = "world", Locales = paper.Data.Locales }]
                    : [.. paper.Data.Locales.Select(code => new LocaleGroup { Name = $"of {code}", Locales = [code] })],
            },
        });
        Assert.That(sequences, Has.Length.EqualTo(2 * paper.Lora.Ranks.Count * paper.Orders.Count));
        foreach (var alike in sequences.GroupBy(sequence => (sequence.Rank, sequence.Order)))
            Assert.That(alike.Last().Scores, Is.EqualTo(alike.First().Scores), $"{alike.Key}");
    }

    /// <summary>Every strategy over one loaded encoder, whose hash in memory is taken before and after.</summary>
    [Test]
    public void Fact26_TheEncoderInMemory_IsWhatItWas_UnlessAllOfItIsTrained()
    {
        TinyAdapterStudy.Run(_study.Config(), only: ["base"]);
        var before = new HashSet<string>();
        foreach (var (strategy, kind) in ((string, string)[])
            [
                ("shared", "lora"), ("non_shared", "lora"), ("grouped", "lora"), ("shared", "bottleneck"),
                ("shared", "prefix"), ("mono", "lora"), ("multi", "lora"), ("vanilla", "lora"),
            ])
        {
            AdapterStudyConfig config = _study.Config(
                $"strategies=[{strategy}]", $"adapter={kind}", "parallel_adapters=2", "keep=all");
            using StopSignal stop = new(folder: null, _ => { });
            var run = new StudyRun(config, stop, FileSystem.Real, TextWriter.Null, quiet: true);
            using var session = new SlotSession(config, _study.At("out/tokenizer"), _study.At("out/base/final"), run);
            string frozen = TestTensors.Fingerprint(session.Frozen.Parameters);
            before.Add(frozen);
            var graph = new AdapterStudyGraph(config, _ => session);
            LearnedState[] states = [.. graph.Artefacts.OfType<LearnedState>()];
            Assert.That(states.Count(state => state.IsUpToDate), Is.LessThan(states.Length), strategy);
            new StudyWork(run, graph.Artefacts) { MostTogether = 2 }.MakeAll();
            Assert.That(states, Has.All.Property(nameof(Artefact.IsUpToDate)).True, strategy);
            Assert.That(TestTensors.Fingerprint(session.Frozen.Parameters), Is.EqualTo(frozen), $"{strategy} {kind}");
            if (states[^1].Lesson.Rank is not null)
                continue;
            using XlmRoberta learned = session.Load(states[^1].WeightsFolder);
            foreach (var (was, now) in session.Frozen.Parameters.All.Zip(learned.Parameters.All))
                if (was.Value.Shape.Rank == 2 && was.Name.Contains(".layer.", StringComparison.Ordinal))
                    Assert.That(
                        TestTensors.Read(session.Backend, now.Value),
                        Is.Not.EqualTo(TestTensors.Read(session.Backend, was.Value)), $"{strategy}: {was.Name}");
        }

        Assert.That(before, Has.Count.EqualTo(1), "all began with the same encoder");
    }

    private static AdapterStudyConfig Paper() => AdapterStudyConfig.Load(
        Path.Combine(TestData.RepositoryRoot, "studies", "massive.yaml"));

    /// <summary>Planned; nothing is made.</summary>
    private static PlannedSequence[] OfAdapters(AdapterStudyConfig config) =>
    [
        .. new AdapterStudyGraph(config, _ => throw new InvalidOperationException("Nothing is made."))
            .Sequences.Where(sequence => sequence.Rank is not null),
    ];

    private static void AreSame(Dictionary<string, int[]> found, Dictionary<string, int[]> expected, string what)
    {
        Assert.That(found.Keys, Is.EquivalentTo(expected.Keys), what);
        foreach (var (name, bits) in expected)
            Assert.That(found[name], Is.EqualTo(bits), $"{what}: {name}");
    }

    private Dictionary<string, int[]> Adapter(string study, string state) =>
        HandMadeStrategies.Stored(_study.At($"{study}/{Adapters}/{state}/adapter"));

    private Dictionary<string, int[]> Whole(string study, string state) =>
        HandMadeStrategies.Stored(_study.At($"{study}/seed-1/{state}/model"));
}
