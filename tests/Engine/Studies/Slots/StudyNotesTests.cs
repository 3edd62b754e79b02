using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>What a report says of how a study differs from the one that it is modelled on.</summary>
public sealed class StudyNotesTests
{
    [Test]
    public void ThePapersSetting_HasItsTrimmingAlone()
    {
        AdapterStudyConfig config = Paper() with { TrimVocabulary = true };
        IReadOnlyList<string> notes = Notes(config, Locale("en-US", dropped: 7, cut: 0));
        Assert.That(notes, Has.Count.EqualTo(3));
        Assert.That(notes[0], Does.Contain("are this project's own"));
        // Three blocks of four layers 8 to 8 and two of 8 and 16; the pooler is one more of 8 to 8.
        Assert.That(notes[1], Does.Contain("rank 32 has 10752 numbers, or 11264; an adapter of rank 64 has 21504"));
        Assert.That(notes[2], Does.Contain("7 pieces of dev and test sentences are unknown"));
    }

    [Test]
    public void EveryOtherSetting_IsNamed()
    {
        AdapterStudyConfig paper = Paper();
        AdapterStudyConfig config = paper with
        {
            Data = paper.Data with
            {
                Locales = ["en-US"], TrainRows = 600, TestRows = 200, Labels = LabelMode.Official,
            },
            Base = new EncoderBaseConfig { Training = new TrainingConfig() },
            Training = paper.Training with { Epochs = 3, LearningRate = 0.5, WeightDecay = 0.25, SaveSteps = 7 },
            Precision = Precision.Bf16,
            Adapter = AdapterKind.Prefix,
        };
        string notes = string.Join('\n', Notes(config, Locale("en-US", dropped: 0, cut: 5)));
        string[] parts =
        [
            "no published one: 3 blocks of width 8", "prefix, not LoRA", "1 of the 52", "600 to train, all to choose",
            "200 to score",
            "paper states, and its values: training.epochs 3 (100), training.learning_rate 0.5 (5E-06).",
            "does not state, and this project's defaults: training.weight_decay 0.25 (0).", "Labels are official",
            "are bf16", "6 words are beyond",
        ];
        foreach (string part in parts)
            Assert.That(notes, Does.Contain(part));
    }

    [Test]
    public void SettingsOfLora_AreNamedWhereItsAdaptersAreTrained()
    {
        AdapterStudyConfig config = Paper();
        config = config with { Lora = config.Lora with { Ranks = [8], Dropout = 0.25, Alpha = 4, UseRsLora = true } };
        string notes = string.Join('\n', Notes(config, Locale("en-US", dropped: 0, cut: 0)));
        Assert.That(notes, Does.Contain("lora.ranks [8] ([32,64,256]), lora.dropout 0.25 (0.1)."));
        Assert.That(notes, Does.Contain("lora.alpha 4 (null), lora.use_rslora true (false)."));
    }

    [TestCase(0, 0, 11_514, 2_033, 2_974, false)]
    [TestCase(0, 0, 11_513, 2_033, 2_974, true)]
    [TestCase(0, 0, 11_514, 2_033, 0, true)]
    [TestCase(600, 0, 600, 2_033, 2_974, false)]
    [TestCase(600, 0, 599, 2_033, 2_974, true)]
    [TestCase(20_000, 3_000, 11_514, 2_033, 2_974, false)]
    public void SentencesThatTheReleaseDoesNotHave_AreNamed(
        int trainRows, int devRows, int train, int dev, int test, bool expected)
    {
        AdapterStudyConfig config = Paper();
        config = config with { Data = config.Data with { TrainRows = trainRows, DevRows = devRows } };
        StudyLocale locale = Locale("sw-KE", dropped: 0, cut: 0) with
        {
            Sentences = new SentenceCounts(train, dev, test),
        };
        string counts = FormattableString.Invariant($"sw-KE {train:N0} / {dev:N0} / {test:N0}.");
        string notes = string.Join('\n', Notes(config, locale));
        Assert.That(
            notes, expected ? Does.Contain(counts).And.Contain("1 of the languages") : Does.Not.Contain("sw-KE"));
    }

    [Test]
    public void LanguagesOfFilesWithoutCounts_AreNotJudged()
    {
        StudyLocale locale = Locale("sw-KE", dropped: 0, cut: 0) with { Sentences = null };
        Assert.That(Notes(Paper(), locale), Has.None.Contains("numbers of sentences"));
    }

    private static AdapterStudyConfig Paper() => AdapterStudyConfig.Load(
        Path.Combine(TestData.RepositoryRoot, "studies", "massive.yaml"));

    private static IReadOnlyList<string> Notes(
        AdapterStudyConfig config, params IReadOnlyList<StudyLocale> languages) =>
        StudyNotes.Of(
            config,
            new EncoderConfig
            {
                VocabularySize = 20, Width = 8, Layers = 3, Heads = 2, InnerWidth = 16, MaxPositions = 12,
                NormEpsilon = 1e-5f,
            },
            languages);

    private static StudyLocale Locale(string code, long dropped, long cut) => WrittenResults.Locale(code) with
    {
        DroppedPieces = dropped, CutWords = cut, WordsWithoutPieces = cut == 0 ? 0 : 1,
    };
}
