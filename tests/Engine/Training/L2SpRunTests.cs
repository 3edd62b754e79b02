using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Training;

/// <summary>The penalty in whole runs, from the base folder to the numbers in metrics.jsonl.</summary>
[Category("slow")]
internal sealed class L2SpRunTests
{
    private static readonly L2SpConfig Lambdas = new() { First = 0.02, Middle = 0.05, Last = 0.03, Other = 0.02 };

    private readonly List<FolderBuilder> _bases = [];
    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp() => _runs = new TinyRun();

    [OneTimeTearDown]
    public void TearDown()
    {
        _bases.ForEach(folder => folder.Dispose());
        _runs.Dispose();
    }

    [Test]
    public void Fact15_Penalty_IsExactlyZeroAtTheStart(
        [Values(DType.F32, DType.BF16, DType.F16, DType.F64)] DType stored,
        [Values(Precision.Fp32, Precision.Bf16, Precision.PureBf16)] Precision precision)
    {
        RunConfig config = Pulled($"start-{stored}-{precision}", Base(stored).Path);
        _runs.Train(config with { Precision = precision });
        IReadOnlyDictionary<long, double> penalty = _runs.Metric(Name(config), "penalty");
        Assert.That(penalty[1], Is.EqualTo(0));
        Assert.That(penalty[3], Is.GreaterThan(0));
    }

    /// <summary>First, middle and last group; in no layer, the tied embedding and the final norm.</summary>
    [TestCase("model.layers.1.mlp.up_proj.weight", 0.02)]
    [TestCase("model.layers.3.self_attn.q_proj.weight", 0.05)]
    [TestCase("model.layers.5.input_layernorm.weight", 0.03)]
    [TestCase("model.embed_tokens.weight", 0.02)]
    [TestCase("model.norm.weight", 0.02)]
    public void Fact16_OneElementApart_CostsLambdaTimesItsSquare(string name, double lambda)
    {
        FolderBuilder origin = Base(DType.F32), anchor = Base(DType.F32, folder => folder[name][3] += 0.5);
        RunConfig config = Pulled($"apart-{name}", origin.Path, Lambdas with { Anchor = anchor.Path });
        _runs.Train(config);
        // Weights are float, of at most 1.
        Assert.That(
            _runs.Metric(Name(config), "penalty")[1], Is.EqualTo(lambda * 0.25).Within(lambda * 1e-6));
    }

    /// <summary>The pull is most of the gradient: if every micro-batch added it, the norm would be fourfold.</summary>
    [Test]
    public void Fact19_Penalty_CountsOncePerUpdate_WhateverTheAccumulation()
    {
        FolderBuilder origin = Base(DType.F32);
        FolderBuilder anchor = Base(
            DType.F32, folder => folder["model.layers.3.mlp.up_proj.weight"].AsSpan().Fill(400));
        L2SpConfig pull = Lambdas with { Anchor = anchor.Path };
        RunConfig whole = Pulled("once-whole", origin.Path, pull), split = Pulled("once-split", origin.Path, pull);
        RunConfig twelve = Pulled("twelve", origin.Path, pull with { Multiplier = 12 });
        _runs.Train(whole);
        _runs.Train(split with
        {
            Training = split.Training with { BatchSize = 1, GradientAccumulationSteps = 4 },
        });
        _runs.Train(twelve);

        foreach (string metric in new[] { "grad_norm", "penalty" })
        {
            IReadOnlyDictionary<long, double> one = _runs.Metric("once-whole", metric);
            IReadOnlyDictionary<long, double> four = _runs.Metric("once-split", metric);
            IReadOnlyDictionary<long, double> strong = _runs.Metric("twelve", metric);
            foreach (long step in one.Keys)
                Assert.That(four[step], Is.EqualTo(one[step]).Within(0.01).Percent, $"{metric} of step {step}");
            Assert.That(strong[1], Is.EqualTo(12 * one[1]).Within(0.1).Percent, metric);
        }
    }

    private RunConfig Pulled(string name, string origin, L2SpConfig? pull = null)
    {
        RunConfig config = _runs.Config(name);
        return config with
        {
            Model = new ModelSource { Path = origin },
            Alignment = new AlignmentConfig { FirstLayers = 2, LastLayers = 1, L2Sp = pull ?? Lambdas },
            Training = config.Training with { MaxSteps = 3, EvalSteps = 0, SaveSteps = 0 },
        };
    }

    private static string Name(RunConfig config) => Path.GetFileName(config.OutputDir);

    /// <summary>A folder of the tiny model whose numbers no 16-bit type holds exactly.</summary>
    private FolderBuilder Base(DType stored, Action<FolderBuilder>? change = null)
    {
        var folder = new FolderBuilder(ModelRecipe.ToConfig(TinyRun.Recipe, vocabularySize: 300), stored);
        foreach (ParameterShape parameter in ParameterLayout.Of(folder.Config))
            foreach (ref double value in folder[parameter.Name].AsSpan())
                value = value / 3 + 1e-4;
        change?.Invoke(folder);
        _bases.Add(folder.Write());
        return folder;
    }
}
