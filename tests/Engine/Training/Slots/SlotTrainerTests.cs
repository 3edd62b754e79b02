using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training.Slots;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Training.Slots;

/// <summary>Learners that share passes over one frozen encoder.</summary>
public sealed class SlotTrainerTests
{
    private const int Labels = 111, Vocabulary = 60;

    private static readonly string[] Locales =
        ["af-ZA", "am-ET", "ar-SA", "de-DE", "en-US", "ja-JP", "th-TH", "zh-CN"];

    /// <summary>Several row blocks a group, ragged batches, dropout everywhere, clipping at every step.</summary>
    [Test]
    [Category("slow")]
    public void Fact22_EightLearnersInOnePass_HaveTheBitsOfSingleRuns([Values(DType.F32, DType.BF16)] DType type)
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using Backend other = Backends.Open("cpu", threads: 2);
        using XlmRoberta encoder = Create(backend, type), same = Create(other, type);
        string frozen = TestTensors.Fingerprint(encoder.Parameters);
        int[] all = [.. Enumerable.Range(0, Locales.Length)];
        Outcome[] alone = [.. all.SelectMany(learner => Train(encoder, [learner]))];
        Outcome[] together = Train(encoder, all);
        Outcome[] threaded = Train(same, all);
        Outcome[] cut = Train(encoder, all, passTokens: 400);
        foreach (int learner in all)
        {
            Assert.That(together[learner].Epochs, Is.EqualTo(alone[learner].Epochs), Locales[learner]);
            Assert.That(together[learner].Weights, Is.EqualTo(alone[learner].Weights), Locales[learner]);
            Assert.That(threaded[learner].Weights, Is.EqualTo(alone[learner].Weights), Locales[learner]);
            Assert.That(cut[learner].Weights, Is.EqualTo(alone[learner].Weights), Locales[learner]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(alone.Select(one => one.Weights), Is.Unique);
            Assert.That(alone.Count(one => one.Epochs.Count < 3), Is.EqualTo(2), "two stop before the others");
            Assert.That(TestTensors.Fingerprint(encoder.Parameters), Is.EqualTo(frozen), "what is frozen has its bits");
        });
    }

    /// <summary>Three steps an epoch, of eight, eight and four sentences of 22 tokens in the mean.</summary>
    [TestCase(int.MaxValue, 9)]
    [TestCase(320, 24)]         // the four learners' 704, 704 and 352 tokens: three, three and two passes
    [TestCase(1, 36)]           // each alone
    public void Passes_AreCutBetweenLearners(int passTokens, int expected)
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta encoder = Create(backend, DType.F32);
        long passes = 0;
        Train(encoder, [0, 3, 4, 5], passTokens: passTokens, trained: trainer => passes = trainer.Passes);
        Assert.That(passes, Is.EqualTo(expected));
    }

    [Test]
    public void Learner_ThatDiverges_CostsTheOthersNothing()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta encoder = Create(backend, DType.F32);
        Outcome[] alone = Train(encoder, [0, 5]);
        var done = new List<string>();
        RunException? failure = null;
        Outcome[] rest = Train(encoder, [0, 3, 5], spoiled: 3, done, found => failure = found);
        Assert.That(failure, Has.Property("Code").EqualTo(ExitCode.Numerics));
        Assert.That(failure!.Message, Does.Contain("de-DE: step 1").And.Not.Contain("af-ZA"));
        Assert.That(done, Is.EqualTo(new[] { "af-ZA", "ja-JP" }));
        Assert.That((rest[0].Weights, rest[2].Weights), Is.EqualTo((alone[0].Weights, alone[1].Weights)));
    }

    [Test]
    public void Learners_AreSavedEverySoManySteps_AndWhereASaveIsAskedFor()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta encoder = Create(backend, DType.F32);
        var saved = new List<(string, long)>();
        Train(encoder, [0, 6], onSave: Save, saveSteps: 4);         // 3 and 2 epochs of 3 steps
        Assert.That(saved, Is.EqualTo(new[] { ("af-ZA", 4L), ("th-TH", 4L), ("af-ZA", 8L) }));
        saved.Clear();
        Train(encoder, [0, 6], onSave: Save, atFirstPoll: stop => stop.RequestSave());
        Assert.That(saved, Is.EqualTo(new[] { ("af-ZA", 0L), ("th-TH", 0L) }));

        void Save(SlotLearner learner) => saved.Add((learner.Name, learner.Step));
    }

    [Test]
    public void SaveThatFails_IsSaid_AndCostsNothing()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta encoder = Create(backend, DType.F32);
        Outcome[] whole = Train(encoder, [0, 6]);
        var saved = new List<string>();
        var said = new List<string>();
        Outcome[] found = Train(
            encoder, [0, 6], onSave: learner => SaveBut("af-ZA", learner, saved), saveSteps: 4, warn: said.Add);
        Assert.That(saved, Is.EqualTo(new[] { "th-TH" }));
        Assert.That(said, Has.Count.EqualTo(2).And.All.Contains("af-ZA: no space").And.All.Contains("goes on"));
        Assert.That(found.Select(one => one.Weights), Is.EqualTo(whole.Select(one => one.Weights)));
    }

    [Test]
    public void Stop_SavesEveryLearner_BeforeItFailsForThoseThatCannotBe()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta encoder = Create(backend, DType.F32);
        var saved = new List<string>();
        RunException? failure = null;
        Train(
            encoder, [0, 3, 6], failed: found => failure = found, onSave: learner => SaveBut("af-ZA", learner, saved),
            atFirstPoll: stop => stop.RequestStop("the test"));
        Assert.That(saved, Is.EqualTo(new[] { "de-DE", "th-TH" }));
        Assert.That(failure, Has.Property("Code").EqualTo(ExitCode.Resources).And.Message.EqualTo("af-ZA: no space"));
    }

    /// <summary>Three steps an epoch, four epochs, patience of two.</summary>
    [Test]
    public void Learner_StandsWhereTrainingComesBy_AndNowhereElse()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta encoder = Create(backend, DType.F32);
        using SlotWeights weights = Adapter(encoder, 0);
        using SlotLearner learner = Learner(0, weights, new SlotTrainingConfig { Epochs = 4, Patience = 2 });
        Assert.Multiple(() =>
        {
            Assert.That(CanStand(0), "fresh");
            Assert.That(CanStand(7, 0.3, 0.5), "within the third epoch");
            Assert.That(CanStand(9, 0.3, 0.5), "at its end, to be judged");
            Assert.That(CanStand(9, 0.5, 0.4, 0.6), "patience was not spent");
            Assert.That(CanStand(9, 0.5, 0.4, 0.5), Is.False, "patience is spent: as good is not better");
            Assert.That(CanStand(12, 0.3, 0.4, 0.5, 0.6), Is.False, "all epochs are done");
            Assert.That(CanStand(10, 0.5, 0.4, 0.3), Is.False, "patience is spent");
            Assert.That(CanStand(5, 0.3, 0.5), Is.False, "epochs that were not trained are judged");
            Assert.That(CanStand(10, 0.3, 0.5), Is.False, "an epoch was not judged");
            Assert.That(CanStand(4, 1.5), Is.False, "no F1");
            Assert.That(learner.CanStandAt(new SlotProgress(4, 1, 5, [new SlotEpoch(2, 1, 0.5)])), Is.False);
            Assert.That(learner.CanStandAt(new SlotProgress(3, 1, 5, [new SlotEpoch(1, 1, 0.5)])), Is.False);
            Assert.That(learner.CanStandAt(new SlotProgress(4, 1, -5, [new SlotEpoch(1, 1, 0.5)])), Is.False);
            Assert.That(
                learner.CanStandAt(new SlotProgress(4, double.PositiveInfinity, 5, [new SlotEpoch(1, 1, 0.5)])),
                Is.False);
        });

        bool CanStand(long step, params double[] f1) => learner.CanStandAt(new SlotProgress(
            step, step == 3 * f1.Length ? 0 : 1, step == 3 * f1.Length ? 0 : 5,
            [.. f1.Select((one, i) => new SlotEpoch(i + 1, 1, one))]));
    }

    private static void SaveBut(string name, SlotLearner learner, List<string> saved)
    {
        if (learner.Name == name)
            throw new RunException(ExitCode.Resources, $"{name}: no space");
        saved.Add(learner.Name);
    }

    private static Outcome[] Train(
        XlmRoberta encoder, int[] numbers, int? spoiled = null, List<string>? done = null,
        Action<RunException>? failed = null, Action<SlotLearner>? onSave = null, int saveSteps = 0,
        Action<StopSignal>? atFirstPoll = null, Action<string>? warn = null, int passTokens = int.MaxValue,
        Action<SlotTrainer>? trained = null)
    {
        int polls = 0;
        StopSignal? asked = null;
        using StopSignal stop = new(folder: null, _ => { })
        {
            OnPoll = () =>
            {
                if (++polls == 1)
                    atFirstPoll?.Invoke(asked!); // not null: nothing polls before it is set
            },
        };
        asked = stop;
        using var tape = new Tape(encoder.Backend);
        SlotWeights[] weights = [.. numbers.Select(number => Adapter(encoder, number))];
        SlotLearner[] learners = [.. numbers.Select((number, i) => Learner(
            number, weights[i], new SlotTrainingConfig
            {
                Epochs = number == 2 ? 1 : number == 6 ? 2 : 3, LoraLearningRate = 1e-2, MaxGradNorm = 0.05,
            }))];
        try
        {
            if (spoiled is { } bad)
                encoder.Backend.Fill(float.NaN, weights[Array.IndexOf(numbers, bad)].Trained[0].All[0].Value);
            var trainer = new SlotTrainer(
                encoder, tape, new SlotEvaluation(encoder, tape, LabelMode.Bio, 512, stop), seed: 1, stop)
            {
                OnDone = learner => done?.Add(learner.Name),
                OnSave = onSave ?? (_ => { }),
                Warn = warn ?? Assert.Fail,
                SaveSteps = saveSteps,
                PassTokens = passTokens,
            };
            try
            {
                trainer.Train(learners);
                trained?.Invoke(trainer);
            }
            catch (RunException exception) when (failed is not null)
            {
                failed(exception);
            }

            return [.. learners.Select(learner => new Outcome(
                string.Join(' ', learner.Weights.Trained.Select(set => TestTensors.Fingerprint(set))),
                learner.Epochs))];
        }
        finally
        {
            foreach (SlotLearner learner in learners)
                learner.Dispose();
            foreach (SlotWeights one in weights)
                one.Dispose();
        }
    }

    private static SlotWeights Adapter(XlmRoberta encoder, int number) => SlotWeights.Adapted(
        encoder,
        new LoraSettings
        {
            Targets = ["query", "key", "value", "dense"], Rank = 8, Alpha = 16, Dropout = 0.1,
            ModulesToSave = ["classifier"],
            Seed = LocaleKey.StartSeed(1, Locales[number]),
        },
        Labels, headSeed: 1);

    private static SlotLearner Learner(int number, SlotWeights weights, SlotTrainingConfig settings) => new(
        Locales[number], weights, new SentenceBatches([Sentences(number, 20)], 8, seed: 1), [Sentences(number, 6)],
        settings);

    private static XlmRoberta Create(Backend backend, DType type)
    {
        EncoderConfig config = new()
        {
            VocabularySize = Vocabulary, Width = 128, Layers = 2, Heads = 4, InnerWidth = 192, MaxPositions = 64,
            NormEpsilon = 1e-5f, InitializerRange = 0.1f, HiddenDropout = 0.1f,
        };
        var encoder = new XlmRoberta(config, backend, type, 60);
        ModelInitializer.Draw(encoder, seed: 5);
        return encoder;
    }

    /// <summary>Sentences of 3 to 40 tokens; every other token begins a word.</summary>
    private static SentenceSet Sentences(int locale, int count)
    {
        var random = new Random(locale);
        return new SentenceSet(Locales[locale], Partition.Train, [.. Enumerable.Range(0, count).Select(row =>
        {
            int[] tokens = [.. Enumerable.Range(0, random.Next(3, 41)).Select(_ => random.Next(3, Vocabulary))];
            int[] places = [.. Enumerable.Range(0, tokens.Length / 2).Select(word => 2 * word)];
            return new EncodedSentence(
                row, tokens, places, [.. places.Select(place => (tokens[place] + locale) % Labels)], CutWords: 0);
        })], unknown: null);
    }

    /// <param name="Weights">A fingerprint of A, B and head.</param>
    private sealed record Outcome(string Weights, IReadOnlyList<SlotEpoch> Epochs);
}
