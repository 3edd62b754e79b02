using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>What a study makes, for which systems, and what a change makes again.</summary>
internal sealed class StudyGraphTests
{
    private TinyStudy _study = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp() => _study = new TinyStudy();

    [OneTimeTearDown]
    public void TearDown() => _study.Dispose();

    [Test]
    public void Graph_OfAllSystems_HasEachModelOnceAndItsEvaluation()
    {
        var graph = new StudyGraph(_study.Config());
        string[] models =
        [
            "base", "dense", "expert-slavic", "expert-germanic", "freeze-slavic", "freeze-germanic", "l2_sp-slavic",
            "l2_sp-germanic", "dense_reverted", "expert_reverted-slavic", "expert_reverted-germanic", "soup",
        ];
        Assert.That(graph.Artefacts.Select(artefact => artefact.Name), Is.EquivalentTo((string[])
        [
            "tokenizer", "unigram", .. models.Select(model => $"seed-42/{model}"),
            .. models.Select(model => $"evaluation/seed-42/{model}"),
        ]));
        Assert.That(graph.Models.Select(model => model.System).Distinct(),
            Is.EqualTo((StudySystem?[])[null, .. Enum.GetValues<StudySystem>().Cast<StudySystem?>()]));
    }

    [Test]
    public void Graph_PutsEveryArtefactAfterWhatItIsMadeFrom()
    {
        var graph = new StudyGraph(_study.Config("seeds=[42, 43]"));
        var seen = new HashSet<Artefact>();
        foreach (Artefact artefact in graph.Artefacts)
        {
            Assert.That(artefact.Inputs.Distinct(), Is.SubsetOf(seen), artefact.Name);
            seen.Add(artefact);
        }

        Assert.That(graph.Artefacts.Count(artefact => artefact.Name.Contains("soup", StringComparison.Ordinal)),
            Is.EqualTo(4), "two seeds, model and evaluation");
        Assert.That(graph.Artefacts.Select(artefact => artefact.Key), Is.Unique);
    }

    /// <summary>5 billion tokens a family: 833 million a language, but 625 million for the eight of Indic.</summary>
    [Test]
    public void BudgetOfAFamily_IsSharedEquallyByItsLanguages()
    {
        StudyConfig config = StudyConfig.Load(
            Path.Combine(TestData.RepositoryRoot, "studies", "five-families.yaml"));
        var graph = new StudyGraph(config);
        Assert.That(Budgets("expert-indic"), Is.EqualTo(Enumerable.Repeat(625_000_000L, 8)));
        Assert.That(Budgets("expert-slavic"), Is.EqualTo(Enumerable.Repeat(833_333_333L, 6)));
        Assert.That(Budgets("dense").Sum(), Is.EqualTo(25_000_000_000L).Within(100));

        IEnumerable<long> Budgets(string name) =>
            graph.Artefacts.OfType<TrainedModel>().Single(model => model.Name == $"seed-42/{name}")
                .Config.Data.Languages.Select(language => language.BudgetTokens);
    }

    [TestCase("soup", "expert-slavic expert-germanic")]
    [TestCase("dense_reverted", "dense")]
    [TestCase("expert_reverted", "expert-slavic expert-germanic")]
    public void Graph_OfOneSystem_MakesWhatItIsMadeFrom_ButDoesNotScoreIt(string system, string inputs)
    {
        var graph = new StudyGraph(_study.Config($"systems=[{system}]"));
        foreach (string input in inputs.Split(' '))
            Assert.That(graph.Artefacts.Select(artefact => artefact.Name), Has.One.EqualTo($"seed-42/{input}"));
        Assert.That(graph.Models.Select(model => model.System).Distinct(), Has.Exactly(2).Items);
    }

    [Test]
    public void Only_TakesAnArtefactAndWhatItIsMadeFrom()
    {
        var graph = new StudyGraph(_study.Config());
        Assert.That(graph.Only(["expert_reverted-slavic"]).Select(artefact => artefact.Name), Is.EqualTo((string[])
            ["tokenizer", "seed-42/base", "seed-42/expert-slavic", "seed-42/expert_reverted-slavic"]));
        Assert.That(graph.Only([]), Is.EqualTo(graph.Artefacts));
        RunException? refused = Assert.Throws<RunException>(() => graph.Only(["expert-baltic"]));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(refused.Message, Does.Contain("expert-baltic").And.Contain("seed-42/expert-slavic"));
    }

    [Test]
    public void Only_TakesAModelOfEverySeed_UnlessTheSeedIsNamed()
    {
        var graph = new StudyGraph(_study.Config("seeds=[42, 43]"));
        Assert.That(graph.Only(["expert-slavic"]).Select(artefact => artefact.Name), Is.EqualTo((string[])
        [
            "tokenizer", "seed-42/base", "seed-42/expert-slavic", "seed-43/base", "seed-43/expert-slavic",
        ]));
        Assert.That(graph.Only(["seed-43/expert-slavic"]).Select(artefact => artefact.Name), Is.EqualTo((string[])
            ["tokenizer", "seed-43/base", "seed-43/expert-slavic"]));
    }

    /// <summary>What each change remakes, without making anything: the artefacts whose key it changes.</summary>
    [TestCase("threads=2", "")]
    [TestCase("name=other", "")]
    [TestCase("alignment.l2_sp.middle=0.1", "l2_sp-slavic l2_sp-germanic")]
    [TestCase("alignment.freeze=last", "freeze-slavic freeze-germanic")]
    [TestCase("training.dense.learning_rate=1e-3", "dense dense_reverted")]
    public void Change_ReachesTheModelsThatDependOnIt_AndNoOther(string setting, string models)
    {
        string[] changed = Changed(setting);
        string[] wanted = models.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(changed, Is.EquivalentTo(wanted.SelectMany(
            model => new[] { $"seed-42/{model}", $"evaluation/seed-42/{model}" })));
    }

    [Test]
    public void Change_OfTheEvaluation_ReachesScoresOnly()
    {
        Assert.That(Changed("evaluation.max_documents=3").Where(name => name != "unigram"),
            Is.Not.Empty.And.All.StartsWith("evaluation/"));
        Assert.That(Changed("evaluation.batch_size=5"), Is.Empty, "scores do not depend on it");
    }

    [Test]
    public void Change_OfAFamilysBudget_ReachesItsModels_AndAllScores()
    {
        string[] changed = Changed("families.slavic.budget_tokens=4000", "base.held_in_share=0");
        Assert.That(changed, Has.Member("seed-42/expert-slavic").And.Member("evaluation/seed-42/base"));
        Assert.That(changed, Has.None.EqualTo("seed-42/expert-germanic").And.None.EqualTo("seed-42/base"));
    }

    [Test]
    public void Change_OfTheBaseOrTheTokenizer_ReachesAllThatComesAfter()
    {
        string[] all = [.. new StudyGraph(_study.Config()).Artefacts.Select(artefact => artefact.Name)];
        Assert.That(Changed("base.training.max_steps=7"), Is.EquivalentTo(all.Except(["tokenizer", "unigram"])));
        Assert.That(Changed("tokenizer.vocabulary_size=301"), Is.EquivalentTo(all));
    }

    private string[] Changed(string setting, params string[] common)
    {
        var before = new StudyGraph(_study.Config(common)).Artefacts.ToDictionary(a => a.Name, a => a.Key);
        IReadOnlyList<Artefact> after = new StudyGraph(_study.Config([.. common, setting])).Artefacts;
        return [.. after.Where(artefact => before[artefact.Name] != artefact.Key).Select(artefact => artefact.Name)];
    }
}
