using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Reports;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Whole studies of seconds, and the facts that hold of their strategies.</summary>
[Category("slow")]
public sealed class AdapterStudyTests
{
    private const string NonShared = "seed-1/rank-4/non_shared";

    private TinyAdapterStudy _study = null!;

    [SetUp]
    public void CreateStudy() => _study = new TinyAdapterStudy();

    [TearDown]
    public void RemoveStudy() => _study.Dispose();

    [Test]
    public void Fact21_NonShared_LeavesEarlierAdaptersAlone_AndForgetsExactlyNothing()
    {
        AdapterStudyConfig config = _study.Config();
        var earlier = new Dictionary<string, byte[]>();
        foreach (string locale in TinyAdapterStudy.Locales)
        {
            Assert.That(
                TinyAdapterStudy.Run(config, only: [$"{NonShared}/{locale}"]), Is.Null, "not all of it is made");
            Dictionary<string, byte[]> now = _study.Weights("out");
            Assert.That(now, Has.Count.EqualTo(earlier.Count + 1), "one file for adapter and head");
            foreach (var (name, bytes) in earlier)
                Assert.That(now[name], Is.EqualTo(bytes), $"{name} after {locale}");
            earlier = now;
        }

        AdapterStudyResults results = TinyAdapterStudy.Run(config)!;
        Assert.That(_study.Weights("out"), Is.EqualTo(earlier));
        TransferMatrix r = results.Sequences.Single().Matrix;
        for (int position = 1; position <= r.Count; position++)
            for (int step = position; step <= r.Count; step++)
                Assert.That(r[step, position], Is.EqualTo(r.Diagonal(position)));
        Assert.That(Rescored(config), Is.EqualTo(Enumerable.Range(1, r.Count).Select(p => r[r.Count, p])));
        var metrics = new ContinualMetrics(r);
        Assert.Multiple(() =>
        {
            Assert.That(metrics.Cbt, Is.Zero);
            Assert.That(metrics.CbtAt(2), Is.Zero);
            Assert.That(metrics.CbtAt(3), Is.Zero);
            Assert.That(metrics.Bwt, Is.Zero);
            Assert.That(metrics.Forgetting, Is.Zero);
            Assert.That(new MultiHop(r).MeanBackward(HopView.Receiver), Is.Zero);
        });
    }

    [Test]
    public void Fact22_NonShared_DoesNotDependOnTheOrder()
    {
        AdapterStudyResults given = _study.Run("given");
        AdapterStudyResults other = _study.Run("other", "orders=[{other: [th-TH, de-DE, en-US]}]");
        Assert.That(_study.Weights("other"), Is.EqualTo(_study.Weights("given")));
        TransferMatrix one = given.Sequences[0].Matrix, two = other.Sequences[0].Matrix;
        Assert.That(
            Enumerable.Range(1, 3).Select(position => two.Diagonal(4 - position)),
            Is.EqualTo(Enumerable.Range(1, 3).Select(one.Diagonal)));
    }

    /// <summary>Dropout is on, learners end at different epochs, and one goes on from another's adapter.</summary>
    [Test]
    public void Fact22_AdaptersInOnePass_HaveTheBitsOfSingleRuns()
    {
        string[] settings = ["strategies=[non_shared, shared]", "lora.ranks=[4, 3]", "training.patience=1"];
        AdapterStudyResults alone = _study.Run("alone", settings);
        AdapterStudyResults together = _study.Run("together", [.. settings, "parallel_adapters=4"]);
        Dictionary<string, byte[]> expected = _study.Weights("alone");
        Assert.That(expected, Has.Count.EqualTo(2 * (3 + 2)));
        Assert.That(_study.Weights("together"), Is.EqualTo(expected));
        Assert.That(AdapterResultsFile.ToText(together), Is.EqualTo(AdapterResultsFile.ToText(alone)));
        _study.Run("cut", [.. settings, "parallel_adapters=4", "pass_tokens=64"]);
        Assert.That(_study.Weights("cut"), Is.EqualTo(expected));
        int[] epochs = [.. TinyAdapterStudy.Locales.Select(
            locale => LearnedStateFacts.Load(_study.At($"together/{NonShared}/{locale}")).Epochs.Count)];
        Assert.That(epochs.Distinct().Count(), Is.GreaterThan(1), "one has to stop before the others");
    }

    [Test]
    public void Fact24_GroupsAtTheirLimits_AreSharedAndNonShared()
    {
        AdapterStudyResults shared = _study.Run("shared", "strategies=[shared]");
        AdapterStudyResults one = _study.Run(
            "one", "strategies=[grouped]",
            "grouping={by: list, groups: {all: {locales: [en-US, de-DE, th-TH]}}}");
        AdapterStudyResults own = _study.Run("own");
        AdapterStudyResults each = _study.Run(
            "each", "strategies=[grouped]",
            "grouping={by: list, groups: {a: {locales: [en-US]}, b: {locales: [de-DE]}, c: {locales: [th-TH]}}}");
        Assert.That(_study.Weights("one").Values, Is.EquivalentTo(_study.Weights("shared").Values));
        Assert.That(_study.Weights("each").Values, Is.EquivalentTo(_study.Weights("own").Values));
        Assert.That(Cells(one), Is.EqualTo(Cells(shared)));
        Assert.That(Cells(each), Is.EqualTo(Cells(own)));
    }

    [Test]
    public void Grouped_ByScript_SharesAnAdapterWithinAScript()
    {
        AdapterStudyResults results = _study.Run("script", "strategies=[grouped]");
        TransferMatrix r = results.Sequences.Single().Matrix;
        Assert.That(r[3, 2], Is.EqualTo(r[2, 2]), "Thai has an adapter of its own");
        Assert.That(r[2, 1], Is.Not.EqualTo(r[1, 1]), "German goes on with English's");
        Assert.That(Directory.Exists(_study.At("script/seed-1/rank-4/grouped/given/02-de-DE")), Is.True);
        Assert.That(Directory.Exists(_study.At($"script/{NonShared}/th-TH")), Is.True);
    }

    [Test]
    public void Fact25_SharedKeepsItsSize_NonSharedGrowsWithTheLanguages()
    {
        AdapterStudyResults results = _study.Run("out", "strategies=[shared, non_shared]");
        long shared = results.Sequences[0].Parameters, own = results.Sequences[1].Parameters;
        Assert.That(shared, Is.EqualTo(2 * 4 * (4 * (24 + 24) + 2 * (24 + 32))), "two blocks of six layers");
        Assert.That(own, Is.EqualTo(3 * shared));
        string[] steps = ["non_shared/en-US", "shared/given/02-de-DE", "shared/given/03-th-TH"];
        Assert.That(steps.Select(Size).Distinct().Count(), Is.EqualTo(1), "one file takes the place of another");
        long[] each = [.. TinyAdapterStudy.Locales.Select(locale => Size($"non_shared/{locale}"))];
        Assert.That(each, Is.EqualTo(Enumerable.Repeat(Size("shared/given/02-de-DE"), 3)), "and one more a step");

        long Size(string state) => new FileInfo(
            _study.At($"out/seed-1/rank-4/{state}/adapter/adapter_model.safetensors")).Length;
    }

    [Test]
    public void Fact26_VanillaChangesTheEncoder_AdaptersNever()
    {
        AdapterStudyConfig config = _study.Config("strategies=[shared, vanilla]");
        TinyAdapterStudy.Run(config, only: ["base"]);
        byte[] origin = File.ReadAllBytes(_study.At("out/base/final/model.safetensors"));
        TinyAdapterStudy.Run(config);
        Assert.That(File.ReadAllBytes(_study.At("out/base/final/model.safetensors")), Is.EqualTo(origin));
        byte[] last = Model("out", "seed-1/vanilla/given/03-th-TH");
        Assert.That(last, Is.Not.EqualTo(origin));
        Assert.That(Directory.Exists(_study.At("out/seed-1/vanilla/given/02-de-DE/model")), Is.False, "it is not kept");
    }

    [TestCase("made seed-1/mono/en-US")]
    [TestCase("made seed-1/vanilla/given/02-de-DE")]
    [TestCase("seed-1/rank-4/shared/given/02-de-DE  epoch 1")]
    public void Fact27_StoppedAndResumed_EndsLikeOneThatWasNot(string place)
    {
        string[] settings = ["strategies=[vanilla, shared]", "keep=last"];
        AdapterStudyResults whole = _study.Run("whole", settings);
        AdapterStudyConfig config = _study.Config([.. settings, $"output_dir={_study.At("parts")}"]);
        Assert.That(
            () => TinyAdapterStudy.Run(config, stopAfter: place),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
        AdapterStudyResults resumed = TinyAdapterStudy.Run(config)!;
        Assert.That(AdapterResultsFile.ToText(resumed), Is.EqualTo(AdapterResultsFile.ToText(whole)));
        Assert.That(_study.Weights("parts"), Is.EqualTo(_study.Weights("whole")));
    }

    [Test]
    public void DroppedModel_IsMadeAgainWhereItIsNeeded()
    {
        _study.Run("out", "strategies=[mono]", "keep=none");
        Assert.That(_study.Weights("out"), Is.Empty);
        AdapterStudyResults later = _study.Run("out", "strategies=[vanilla]");
        AdapterStudyResults fresh = _study.Run("fresh", "strategies=[vanilla]");
        Assert.That(Cells(later), Is.EqualTo(Cells(fresh)));
        Assert.That(_study.Weights("out"), Is.EqualTo(_study.Weights("fresh")));
    }

    [Test]
    public void Fact28_TwoRuns_AreEqual()
    {
        string[] settings = ["strategies=[mono, multi, vanilla, shared, non_shared]", "mono_seeds=[2]"];
        AdapterStudyResults first = _study.Run("first", settings);
        AdapterStudyResults second = _study.Run("second", [.. settings, "threads=2"]);
        Assert.That(Bits(second), Has.Length.EqualTo(3 * (3 + 1) * 3).And.EqualTo(Bits(first)), "every cell of R");
        Assert.That(Bits(first).Distinct().Count(), Is.GreaterThan(10));
        Assert.That(AdapterResultsFile.ToText(second), Is.EqualTo(AdapterResultsFile.ToText(first)));
        Assert.That(_study.Weights("second"), Is.EqualTo(_study.Weights("first")));
        Assert.That(File.ReadAllText(_study.At("first/report.html")), Does.Contain("spread of MONO"));
        string results = _study.At("first/results.json");
        Assert.That(AdapterResultsFile.IsAt(results), Is.True);
        Assert.That(
            AdapterResultsFile.ToText(AdapterResultsFile.Load(results)), Is.EqualTo(File.ReadAllText(results)));
    }

    /// <summary>Languages that label the same words in other ways overwrite each other.</summary>
    [Test]
    public void Fact29_ConflictingLanguages_AreForgottenWhereWeightsAreShared()
    {
        AdapterStudyResults results = _study.Run(
            "out", "strategies=[vanilla, shared, non_shared]", "lora.ranks=[8]", "training.epochs=16",
            "training.patience=0");
        double?[] cbt = [.. results.Sequences.Select(one => new ContinualMetrics(one.Matrix).Cbt)];
        Assert.That(cbt[0], Is.Negative);
        Assert.That(cbt[1], Is.Negative);
        Assert.That(cbt[2], Is.Zero);
    }

    [Test]
    public void Fact29_LanguagesOfOneStructure_AreLearnedBestTogether()
    {
        using var alike = new TinyAdapterStudy(conflicting: false);
        AdapterStudyResults results = alike.Run("out", "strategies=[multi, vanilla, shared, non_shared]");
        double multi = results.Multis.Single().Average;
        Assert.That(multi, Is.GreaterThan(0.5), "it is learned at all");
        foreach (SequenceResult sequence in results.Sequences)
            Assert.That(
                new ContinualMetrics(sequence.Matrix).FinalAverage, Is.LessThan(multi).And.Positive, sequence.System);
    }

    [Test]
    public void Fact31_OneLanguage_HasAnAverageAndNothingElse()
    {
        AdapterStudyResults results = _study.Run("out", "data.locales=[en-US]");
        IReadOnlyList<IReadOnlyList<string>> rows = AdapterStudyTables.Measures(results).Rows;
        Assert.That(rows[1][3], Is.Not.EqualTo("undefined"), "ACC");
        foreach (string head in (string[])["CFT", "CBT = BWT", "forgetting", "MFT receiver", "MBT receiver"])
            Assert.That(rows[1][rows[0].ToList().IndexOf(head)], Is.EqualTo("undefined"), head);
    }

    [Test]
    public void Scores_DoNotDependOnTheTokensOfAPass()
    {
        string[] settings = ["strategies=[mono, shared]"];
        AdapterStudyResults whole = _study.Run("whole", settings);
        AdapterStudyResults single = _study.Run("single", [.. settings, "evaluation_tokens=1"]);
        AdapterStudyResults some = _study.Run("some", [.. settings, "evaluation_tokens=40"]);
        Assert.That(AdapterResultsFile.ToText(single), Is.EqualTo(AdapterResultsFile.ToText(whole)));
        Assert.That(AdapterResultsFile.ToText(some), Is.EqualTo(AdapterResultsFile.ToText(whole)));
        Assert.That(_study.Weights("single"), Is.EqualTo(_study.Weights("whole")), "the best epochs are the same");
    }

    /// <summary>There is no tokenizer left to encode with.</summary>
    [Test]
    public void StudyThatIsUpToDate_EncodesNothing()
    {
        AdapterStudyResults first = _study.Run("out");
        File.Delete(_study.At("out/tokenizer/tokenizer.json"));
        Assert.That(AdapterResultsFile.ToText(_study.Run("out")), Is.EqualTo(AdapterResultsFile.ToText(first)));
    }

    [Test]
    public void Matrices_AreThoseOfTheStudyAsItIs()
    {
        _study.Run("out", "orders=[{one: [en-US, de-DE, th-TH]}]");
        string folder = _study.At("out/matrices");
        File.WriteAllText(Path.Combine(folder, "notes.json"), "{}");
        AdapterStudyResults results = _study.Run("out", "orders=[p2]");
        Assert.That(
            Directory.GetFiles(folder).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "notes.json", "non_shared-r4-p2-seed-1.json" }));
        TransferRecord record = TransferFile.Load(Path.Combine(folder, "non_shared-r4-p2-seed-1.json"));
        Assert.That(record.OrderSeed, Is.EqualTo(2));
        Assert.That(record.Scores.Locales, Is.EqualTo(results.Sequences[0].Matrix.Locales));
    }

    /// <summary>Read where the results are, they give the same study, wherever and however fast it runs.</summary>
    [Test]
    public void Results_CarryTheSettingsThatTheyDependOn()
    {
        AdapterStudyConfig config = _study.Config(
            "threads=2", "parallel_adapters=2", "pass_tokens=64", "training.epochs=2");
        AdapterStudyResults results = TinyAdapterStudy.Run(config)!;
        Assert.That(results.Config, Does.Not.Contain(_study.At("")).And.Contain("output_dir: .\n"));
        string copy = Path.Combine(config.OutputDir, "config.yaml");
        File.WriteAllText(copy, results.Config);
        AdapterStudyConfig read = AdapterStudyConfig.Load(copy);
        Assert.That(
            (read.Threads, read.ParallelAdapters, read.PassTokens, read.Training.Epochs),
            Is.EqualTo((0, 1, 2048, 2)));
        Assert.That(
            (Path.GetFullPath(read.Data.Files), Path.GetFullPath(read.OutputDir)),
            Is.EqualTo((Path.GetFullPath(config.Data.Files), Path.GetFullPath(config.OutputDir))));
        string html = Encoding.UTF8.GetString(HtmlReport.Write(AdapterStudyReport.Of(results)));
        Assert.That(html, Does.Contain("<summary>Configuration</summary>").And.Contain("epochs: 2\n"));
    }

    /// <summary>The baseline knows its words: every word of a made-up locale always has the same label.</summary>
    [Test]
    public void Languages_SayWhatTheirSentencesAreLike()
    {
        AdapterStudyResults results = _study.Run("out", "data.max_length=12");
        StudyLocale english = results.Locales.Single(locale => locale.Code == "en-US");
        Assert.That(english.MajorityF1, Is.EqualTo(1));
        Assert.That(english.CutWords, Is.Positive);
        Assert.That(english.Overlaps["jaccard"], Is.EqualTo(1).Within(1e-12), "all locales have the same words");
        Assert.That(results.Notes, Has.Some.Contains("3 of the 52 languages").And.Some.Contains("no published one")
            .And.Some.Contains("48 / 16 / 16"));
        Assert.That(results.Notes, Has.Some.Contains("count as predicted outside"));
    }

    [TestCase("skip")]
    [TestCase("base")]
    public void Untrained_IsScoredAsThePolicySays(string policy)
    {
        AdapterStudyResults results = _study.Run("out", $"untrained={policy}");
        TransferMatrix r = results.Sequences.Single().Matrix;
        Assert.That(r[1, 2], policy == "skip" ? Is.Null : Is.EqualTo(r[0, 2]));
    }

    [Test]
    public void Trimmed_VocabularyLeavesScoresOfKeptPiecesAlone()
    {
        AdapterStudyResults whole = _study.Run("whole");
        AdapterStudyResults trimmed = _study.Run("trimmed", "trim_vocabulary=true");
        Assert.That(Cells(trimmed), Is.EqualTo(Cells(whole)), "every piece of the sentences is kept");
        Assert.That(
            new FileInfo(_study.At("trimmed/trimmed/final/model.safetensors")).Length,
            Is.LessThan(new FileInfo(_study.At("whole/base/final/model.safetensors")).Length));
    }

    /// <summary>F1 of every locale's adapter as its folder holds it, over an encoder that is loaded anew.</summary>
    private double?[] Rescored(AdapterStudyConfig config)
    {
        using StopSignal stop = new(folder: null, _ => { });
        using var session = new SlotSession(
            config, _study.At("out/tokenizer"), _study.At("out/base/final"),
            new StudyRun(config, stop, FileSystem.Real, TextWriter.Null, quiet: true));
        return [.. TinyAdapterStudy.Locales.Select(locale =>
        {
            using SlotWeights stored = SlotWeights.Load(
                session.Frozen, _study.At($"out/{NonShared}/{locale}/adapter"), session.Sentences.Labels, _ => { });
            stored.AttachAlone(session.Frozen);
            return (double?)session.Evaluation(session.Frozen).Measure(
                stored.Head, session.Sentences.Of(locale, Partition.Test)).F1;
        })];
    }

    private static double?[] Cells(AdapterStudyResults results) =>
    [
        .. from sequence in results.Sequences
           from step in Enumerable.Range(0, sequence.Matrix.Count + 1)
           from position in Enumerable.Range(1, sequence.Matrix.Count)
           select sequence.Matrix[step, position],
    ];

    private static long?[] Bits(AdapterStudyResults results) => [.. Cells(results).Select(
        cell => cell is { } value ? BitConverter.DoubleToInt64Bits(value) : (long?)null)];

    private byte[] Model(string folder, string state) =>
        File.ReadAllBytes(_study.At($"{folder}/{state}/model/model.safetensors"));
}
