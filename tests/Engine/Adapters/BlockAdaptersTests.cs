using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Bottlenecks, fusions of them and prefixes at the blocks of a frozen model.</summary>
internal sealed class BlockAdaptersTests
{
    [Test]
    public void FreshBottleneck_ChangesNoBit(
        [Values("llama", "gemma3", "xlm-roberta")] string kind, [Values("reference", "cpu")] string device,
        [Values(DType.F32, DType.BF16)] DType type)
    {
        using Backend backend = Backends.Open(device);
        using Model model = BlockScene.Model(kind, backend, type);
        using var tape = new Tape(backend, poison: true);
        Learner.Batch batch = new();
        BlockScene.AddSentences(batch, number: 4, place: 0, step: 0);
        double[] before = BlockScene.Hidden(model, tape, batch, withRows: false);
        using BlockAdapters fresh = BlockAdapters.Create(model, new BottleneckSettings { Width = 3, Seed = 2 });
        fresh.Attach(model, place: 0);
        Assert.That(BlockScene.Hidden(model, tape, batch, withRows: false), Is.EqualTo(before));
        Assert.That(BlockScene.Hidden(model, tape, batch, withRows: true), Is.EqualTo(before));
        using BlockAdapters trained = BlockScene.Trained(model, BlockScene.Bottleneck, number: 4);
        trained.Attach(model, place: 0);
        Assert.That(BlockScene.Hidden(model, tape, batch, withRows: false), Is.Not.EqualTo(before));
        BlockAdapters.Detach(model);
        Assert.That(BlockScene.Hidden(model, tape, batch, withRows: false), Is.EqualTo(before), "taken off");
    }

    [Test]
    public void Gradients_AgreeWithCentralDifferences(
        [Values("llama bottleneck", "llama fusion", "gemma3 bottleneck", "gemma3 fusion", "xlm-roberta bottleneck",
            "xlm-roberta fusion", "xlm-roberta prefix")] string pair,
        [Values] bool recompute)
    {
        (string kind, string adapter) = (pair.Split(' ')[0], pair.Split(' ')[1]);
        using Backend backend = Backends.Open("reference");
        using Model model = BlockScene.Model(kind, backend, DType.F64);
        using var tape = new Tape(backend, poison: true);
        using BlockAdapters first = BlockScene.Trained(model, adapter, 4);
        using BlockAdapters second = BlockScene.Trained(model, adapter, 9);
        first.Attach(model, place: 1);
        second.Attach(model, place: 0);
        first.Parameters.ClearGradients();
        second.Parameters.ClearGradients();
        Loss(pushBack: true);
        foreach (Parameter parameter in first.Parameters.Trained.Concat(second.Parameters.Trained))
        {
            double[] gradient = TestTensors.Read(backend, parameter.Gradient);
            double[] values = TestTensors.Read(backend, parameter.Value);
            double scale = Math.Max(3e-3, gradient.Max(Math.Abs));
            Assert.That(gradient, Has.Some.Not.Zero, parameter.Name);
            for (int i = 0; i < values.Length; i += 1 + values.Length / 4)
            {
                const double Step = 1e-5;
                double before = values[i];
                double difference = (At(before + Step) - At(before - Step)) / (2 * Step);
                At(before);
                // Rounding of a loss of about 6 by the step, and truncation, are below 3e-10.
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-7 * scale), $"{parameter} element {i}");

                double At(double value)
                {
                    values[i] = value;
                    TestTensors.Write(backend, values, parameter.Value);
                    return Loss(pushBack: false);
                }
            }
        }

        double Loss(bool pushBack)
        {
            Learner.Batch batch = new();
            BlockScene.AddSentences(batch, 4, place: 1, step: 0);
            BlockScene.AddSentences(batch, 9, place: 0, step: 0);
            return BlockScene.Pass(model, tape, batch, recompute, pushBack).Sum() / 10;
        }
    }

    /// <summary>Kinds may differ within a pass; so may lengths of prefixes.</summary>
    [Test]
    public void Learner_EndsWithTheBitsItHasAlone(
        [Values("llama", "gemma3", "xlm-roberta")] string kind, [Values(DType.F32, DType.BF16)] DType type,
        [Values] bool recompute, [Values(1, 2)] int threads)
    {
        string[] kinds = kind == "xlm-roberta"
            ? [BlockScene.Prefix, BlockScene.Bottleneck, BlockScene.Prefix, BlockScene.Fusion]
            : [BlockScene.Bottleneck, BlockScene.Fusion, BlockScene.Bottleneck, BlockScene.Fusion];
        int[] steps = [4, 2, 4, 4], places = [2, 0, 1, 3];
        using Backend backend = Backends.Open("cpu", threads);
        using Model model = BlockScene.Model(kind, backend, type);
        (string, int, int, int)[] all = [.. kinds.Select((adapter, i) => (adapter, 4 + i, places[i], steps[i]))];
        double[][][] together = Train(model, recompute, all);
        for (int i = 0; i < all.Length; i++)
            Assert.That(together[i], Is.EqualTo(Train(model, recompute, all[i] with { Item3 = 0 })[0]), $"learner {i}");
        Assert.That(together[0], Is.Not.EqualTo(together[2]));
    }

    [Test]
    public void Training_LowersTheLoss_AndMovesNothingElse(
        [Values(BlockScene.Bottleneck, BlockScene.Fusion, BlockScene.Prefix)] string kind)
    {
        using Backend backend = Backends.Open("cpu", threads: 2);
        using Model model = BlockScene.Model("xlm-roberta", backend, DType.F32);
        ((XlmRoberta)model).AttentionDropout = 0; // The losses of so few sentences scatter by masks.
        using var tape = new Tape(backend, poison: true);
        using BlockAdapters adapters = BlockScene.Trained(model, kind, number: 4);
        adapters.Attach(model, place: 0);
        Parameter[] frozen = [.. model.Parameters.All.Concat(adapters.Parameters.All.Where(p => !p.IsTrained))];
        double[][] before = [.. frozen.Select(parameter => TestTensors.Read(backend, parameter.Value))];
        using var optimizer = new AdamW(adapters.Parameters, new AdamWSettings(), _ => default);
        var losses = new List<double>();
        for (int update = 1; update <= 30; update++)
        {
            Learner.Batch batch = new();
            BlockScene.AddSentences(batch, number: 4, place: 0, step: 0);
            adapters.Parameters.ClearGradients();
            losses.Add(BlockScene.Pass(model, tape, batch, update: update).Sum());
            optimizer.Update(optimizer.GradientNorm(), 3e-2, update);
        }

        Assert.That(losses[^1], Is.LessThan(0.9 * losses[0]));
        Assert.That(frozen.Select(parameter => TestTensors.Read(backend, parameter.Value)), Is.EqualTo(before));
    }

    /// <summary>Rows of padding are in no sentence; neighbours, order and prefixes of others are nothing to it.
    /// </summary>
    [Test]
    public void Sentence_HasItsBitsWhateverLiesAround([Values(DType.F32, DType.BF16)] DType type)
    {
        using Backend backend = Backends.Open("cpu", threads: 2);
        using Model model = BlockScene.Model("xlm-roberta", backend, type);
        using var tape = new Tape(backend, poison: true);
        using BlockAdapters one = BlockScene.Trained(model, BlockScene.Prefix, 4);
        using BlockAdapters other = BlockScene.Trained(model, BlockScene.Prefix, 5);
        one.Attach(model, place: 0);
        other.Attach(model, place: 1);
        Learner.Batch alone = new(), among = new();
        BlockScene.AddSentences(alone, 7, place: 0, step: 0);
        BlockScene.AddSentences(among, 6, place: 1, step: 0);
        int first = among.Ids.Count;
        foreach (List<int> rows in (List<int>[])[among.Ids, among.Targets, among.Positions])
            rows.AddRange([1, 1]);                          // two rows of padding
        among.Keys.AddRange([0, 0]);
        BlockScene.AddSentences(among, 7, place: 0, step: 0);
        double[] expected = BlockScene.Hidden(model, tape, alone, withRows: true);
        double[] found = BlockScene.Hidden(model, tape, among, withRows: true);
        Assert.That(found[(12 * (first + 2))..], Is.EqualTo(expected));
        Assert.That(BlockScene.Hidden(model, tape, alone, withRows: false), Is.EqualTo(expected));
        BlockAdapters.Detach(model);
        Assert.That(BlockScene.Hidden(model, tape, alone, withRows: false), Is.Not.EqualTo(expected));
    }

    [Test]
    public void WarmPasses_AllocateNothing(
        [Values(BlockScene.Bottleneck, BlockScene.Fusion, BlockScene.Prefix)] string kind, [Values] bool withRows)
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using Model model = BlockScene.Model("xlm-roberta", backend, DType.F32);
        using var tape = new Tape(backend);
        using BlockAdapters adapters = BlockScene.Trained(model, kind, number: 4);
        adapters.Attach(model, place: 0);
        Learner.Batch batch = new();
        BlockScene.AddSentences(batch, number: 4, place: 0, step: 0);
        int[] ids = [.. batch.Ids], positions = [.. batch.Positions], bounds = [.. batch.Bounds];
        int[] targets = [.. batch.Targets];
        long[] keys = [.. batch.Keys];
        for (int pass = 0; pass < 3; pass++)
            Pass();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Pass();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        void Pass()
        {
            adapters.Parameters.ClearGradients();
            tape.BeginTraining(seed: 77);
            Tensor losses = tape.Take(DType.F32, new Shape(ids.Length));
            ModelInputs inputs = ModelInputs.Upload(tape, ids, positions, bounds, targets, keys);
            model.Losses(tape, inputs with { Adapters = withRows ? batch.Rows : null }, 0.1f, losses);
            tape.Backward();
        }
    }

    [TestCase(BlockScene.Bottleneck, 2 * (3 * 12 + 3 + 12 * 3 + 12))]
    [TestCase(BlockScene.Prefix, 2 * 2 * 3 * 12)]
    [TestCase(BlockScene.Fusion, 2 * 3 * 12 * 12)]
    public void Adapters_HaveAsManyTrainedNumbersAsPublished(string kind, long count)
    {
        using Backend backend = Backends.Open("reference");
        using Model model = BlockScene.Model("xlm-roberta", backend, DType.F32);
        using BlockAdapters adapters = BlockScene.Trained(model, kind, number: 4);
        Assert.That(adapters.Parameters.Trained.Sum(parameter => parameter.Value.Length), Is.EqualTo(count));
    }

    [Test]
    public void Fuse_TakesCopies_AndBeginsWithValuesAsTheyAre()
    {
        using Backend backend = Backends.Open("cpu");
        using Model model = BlockScene.Model("xlm-roberta", backend, DType.F32);
        using BlockAdapters german = BlockScene.Trained(model, BlockScene.Bottleneck, 4);
        using var tape = new Tape(backend, poison: true);
        int width = ((BottleneckSettings)german.Settings).Width;
        using BlockAdapters fused = BlockAdapters.Create(
            model, new FusionSettings { Seed = 3, Adapters = [("de-DE", width), ("at-AT", width)] });
        fused.Fuse("de-DE", german);
        fused.Fuse("at-AT", german);
        foreach (Parameter parameter in german.Parameters.All)
            Assert.That(
                TestTensors.Read(backend, fused.Parameters[$"adapters.at-AT.{parameter.Name}"].Value),
                Is.EqualTo(TestTensors.Read(backend, parameter.Value)));
        Learner.Batch batch = new();
        BlockScene.AddSentences(batch, number: 4, place: 0, step: 0);
        german.Attach(model, place: 0);
        double[] alone = BlockScene.Hidden(model, tape, batch, withRows: false);
        fused.Attach(model, place: 0);
        // Two equal adapters with V = I mix to themselves: a few roundings of values of order 1, over two layers.
        Assert.That(BlockScene.Hidden(model, tape, batch, withRows: false), Is.EqualTo(alone).Within(1e-5));
    }

    [Test]
    public void Create_RefusesWhatMakesNoSense()
    {
        using Backend backend = Backends.Open("reference");
        using Model encoder = BlockScene.Model("xlm-roberta", backend, DType.F32);
        using Model decoder = BlockScene.Model("llama", backend, DType.F32);
        Refused(encoder, new BottleneckSettings { Width = 0 }, "width 0");
        Refused(encoder, new PrefixSettings { Length = 0 }, "0 rows");
        Refused(decoder, new PrefixSettings(), "decoders take no prefix");
        Refused(encoder, new FusionSettings(), "no adapters");
        Refused(encoder, new FusionSettings { Adapters = [("a", 1), ("a", 2)] }, "same name");

        static void Refused(Model model, BlockAdapterSettings settings, string message)
        {
            var refused = Assert.Throws<RunException>(() => BlockAdapters.Create(model, settings));
            Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
            Assert.That(refused.Message, Does.Contain(message));
        }
    }

    /// <returns>States of all learners at their ends.</returns>
    private static double[][][] Train(
        Model model, bool recompute, params (string Kind, int Number, int Place, int Steps)[] learners)
    {
        using var tape = new Tape(model.Backend, poison: true);
        BlockAdapters.Detach(model);
        BlockAdapters[] all = [.. learners.Select(it => BlockScene.Trained(model, it.Kind, it.Number))];
        AdamW[] optimizers = [.. all.Select(it => new AdamW(it.Parameters, new AdamWSettings(), _ => default))];
        double[][][] states = new double[all.Length][][];
        for (int step = 0; step < learners.Max(it => it.Steps); step++)
        {
            int[] active = [.. Enumerable.Range(0, all.Length).Where(i => step < learners[i].Steps)];
            Learner.Batch batch = new();
            foreach (int i in active)
            {
                all[i].Attach(model, learners[i].Place);
                all[i].Parameters.ClearGradients();
                BlockScene.AddSentences(batch, learners[i].Number, learners[i].Place, step);
            }

            BlockScene.Pass(model, tape, batch, recompute, update: step);
            foreach (int i in active)
            {
                optimizers[i].Update(optimizers[i].GradientNorm(), 1e-2, step + 1);
                states[i] =
                [
                    .. all[i].Parameters.All.Select(p => TestTensors.Read(model.Backend, p.Value)),
                    .. all[i].Parameters.Trained.Select(p => TestTensors.Read(model.Backend, p.Gradient)),
                ];
            }
        }

        BlockAdapters.Detach(model);
        foreach (IDisposable owned in optimizers.Concat<IDisposable>(all))
            owned.Dispose();
        return states;
    }
}
