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
        foreach (int learner in all)
        {
            Assert.That(together[learner].Epochs, Is.EqualTo(alone[learner].Epochs), Locales[learner]);
            Assert.That(together[learner].Weights, Is.EqualTo(alone[learner].Weights), Locales[learner]);
            Assert.That(threaded[learner].Weights, Is.EqualTo(alone[learner].Weights), Locales[learner]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(alone.Select(one => one.Weights), Is.Unique);
            Assert.That(alone.Count(one => one.Epochs.Count < 3), Is.EqualTo(2), "two stop before the others");
            Assert.That(TestTensors.Fingerprint(encoder.Parameters), Is.EqualTo(frozen), "what is frozen has its bits");
        });
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
        Train(encoder, [0, 6], saved: saved, saveSteps: 4);         // 3 and 2 epochs of 3 steps
        Assert.That(saved, Is.EqualTo(new[] { ("af-ZA", 4L), ("th-TH", 4L), ("af-ZA", 8L) }));
        saved.Clear();
        Train(encoder, [0, 6], saved: saved, askedAtPoll: 1);
        Assert.That(saved, Is.EqualTo(new[] { ("af-ZA", 0L), ("th-TH", 0L) }));
    }

    private static Outcome[] Train(
        XlmRoberta encoder, int[] numbers, int? spoiled = null, List<string>? done = null,
        Action<RunException>? failed = null, List<(string, long)>? saved = null, int saveSteps = 0,
        int askedAtPoll = 0)
    {
        int polls = 0;
        StopSignal? asked = null;
        using StopSignal stop = new(folder: null, _ => { })
        {
            OnPoll = () =>
            {
                if (++polls == askedAtPoll)
                    asked?.RequestSave();
            },
        };
        asked = stop;
        using var tape = new Tape(encoder.Backend);
        SlotWeights[] weights = [.. numbers.Select(number => SlotWeights.Adapted(
            encoder,
            new LoraSettings
            {
                Targets = ["query", "key", "value", "dense"], Rank = 8, Alpha = 16, Dropout = 0.1,
                ModulesToSave = ["classifier"],
                Seed = LocaleKey.StartSeed(1, Locales[number]),
            },
            Labels, headSeed: 1))];
        SlotLearner[] learners = [.. numbers.Select((number, i) => new SlotLearner(
            Locales[number], weights[i], new SentenceBatches([Sentences(number, 20)], 8, seed: 1),
            [Sentences(number, 6)],
            new SlotTrainingConfig
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
                OnSave = learner => saved?.Add((learner.Name, learner.Step)),
                SaveSteps = saveSteps,
            };
            try
            {
                trainer.Train(learners);
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
