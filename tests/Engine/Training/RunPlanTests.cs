using FastCpt.Engine;
using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>What the plan says of the paper's study, and that it counts what a step counts.</summary>
internal sealed class RunPlanTests
{
    private static readonly StudyConfig Study =
        StudyConfig.Load(Path.Combine(TestData.RepositoryRoot, "studies", "five-families.yaml"));

    /// <summary>4 rows, 12 passes, 3 devices and 2,048 tokens; 5 billion tokens, to within a step.</summary>
    [Test]
    public void Fact25_ThePapersExpert_SeesFiveBillionTokensOf294912AStep()
    {
        RunPlan plan = Plan(Study.Training.Expert, new AlignmentConfig());
        Assert.Multiple(() =>
        {
            Assert.That(plan.StepTokens, Is.EqualTo(4 * 12 * 3 * 2048).And.EqualTo(294_912));
            Assert.That(plan.Steps, Is.EqualTo(16_954));
            Assert.That(plan.Steps * plan.StepTokens, Is.EqualTo(5e9).Within(plan.StepTokens));
            Assert.That(
                RunPlan.StepsOf(new TrainingConfig { MaxTokens = plan.Steps * plan.StepTokens }, plan.StepTokens),
                Is.EqualTo(16_954));
        });
    }

    /// <summary>6 operations a weight and token for products; attention adds less than a tenth here.</summary>
    [Test]
    public void Fact25_ThePapersExpert_CostsSixOperationsAWeightAndToken_AndAttention()
    {
        RunPlan all = Plan(Study.Training.Expert, new AlignmentConfig());
        RunPlan frozen = Plan(Study.Training.Expert, Study.Alignment with { L2Sp = null });
        Assert.That(all.Parameters, Is.EqualTo(3_880_263_168));
        double products = 6.0 * all.Parameters * all.StepTokens;
        Assert.That(all.StepFlops / products, Is.InRange(1.0, 1.1));
        // The middle's weights have no gradient: a third of their products falls away.
        Assert.That(all.Trained - frozen.Trained, Is.EqualTo(1_793_269_248));
        Assert.That(
            all.StepFlops - frozen.StepFlops, Is.EqualTo(2.0 * 1_793_269_248 * all.StepTokens).Within(0.1).Percent);
    }

    [Test]
    public void Fact21_PresetsOfThePaper_HaveItsRatesAndWarmUps()
    {
        TrainingConfig dense = Study.Training.Dense, expert = Study.Training.Expert;
        Assert.That((dense.LearningRate, dense.WarmupSteps, dense.MaxSteps), Is.EqualTo((5e-5, 500, 50_000)));
        Assert.That((expert.LearningRate, expert.WarmupSteps, expert.MaxSteps), Is.EqualTo((2e-5, 200, 16_954)));
        Assert.That((dense.Scheduler, dense.MinLearningRate), Is.EqualTo((Scheduler.Cosine, 0)));
    }

    [Test]
    public void Plan_CountsTheOperationsThatAStepCounts(
        [Values] Architecture architecture, [Values] bool tied, [Values] bool freeze)
    {
        DecoderConfig config = TinyModels.Config(architecture, layers: 6, tied || architecture == Architecture.Gemma3);
        var alignment = new AlignmentConfig
        {
            Freeze = freeze ? new FreezeConfig { Groups = [LayerGroup.Middle] } : null,
        };
        var run = new RunConfig
        {
            Data = new DataConfig { MaxSeqLength = 7 },
            Training = new TrainingConfig { MaxSteps = 1, BatchSize = 3, GradientAccumulationSteps = 2 },
            Alignment = alignment,
        };
        using Backend backend = Backends.Open("cpu", threads: 1);
        using CausalModel model = TinyModels.Create(config, backend, DType.F32);
        using var marks = new Alignments(run, model, _ => { }, new FastCpt.Engine.Files.StopSignal(null, _ => { }));
        using var tape = new Tape(backend);
        TinyModels.Loss(model, tape, train: true);
        double products = tape.ProductFlops / TinyModels.Rows * 21;
        double step = 2 * (products + FlopCount.Attention(config, [0, 7, 7, 14, 14, 21]));
        Assert.That(RunPlan.Of(run, config).StepFlops, Is.EqualTo(step));
    }

    /// <summary>A plan does not know which tokens are hidden; it takes their share of all.</summary>
    [Test]
    public void Plan_CountsTheOperationsOfAnEncoder()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        var run = new RunConfig
        {
            Data = new DataConfig { MaxSeqLength = 20 },
            Training = new TrainingConfig { MaxSteps = 1, BatchSize = 1 },
        };
        var rows = new EncoderRows();
        // 3 of 20: the share that a mask hides.
        rows.Add(new int[20], [5, 6, 7, .. Enumerable.Repeat(-1, 17)], 20, sample: 0);
        model.Parameters.Train(_ => true);
        using var tape = new Tape(backend);
        tape.BeginTraining();
        model.Losses(tape, rows.Upload(tape), 1, tape.Take(DType.F32, new Shape(20)));
        tape.Backward();
        double step = tape.ProductFlops + FlopCount.Attention(model.Config, [0, 20]);
        Assert.That(RunPlan.Of(run, model.Config).StepFlops, Is.EqualTo(step).Within(1e-6 * step));
    }

    private static RunPlan Plan(TrainingConfig training, AlignmentConfig alignment) => RunPlan.Of(
        new RunConfig { Data = Study.Data, Training = training, Alignment = alignment, Precision = Precision.Bf16 },
        ModelConfigTests.Parse(ParameterLayoutTests.Gemma4B).Config);
}
