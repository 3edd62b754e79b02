using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>A run goes on only with what it began with, whatever changed under the same paths.</summary>
[Category("slow")]
internal sealed class ResumeInputTests
{
    private TinyRun _runs = null!; // SetUp makes it

    [SetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        RunConfig config = _runs.Config("base");
        _runs.Train(config with { Training = config.Training with { MaxSteps = 1, WarmupSteps = 0, EvalSteps = 0 } });
    }

    [TearDown]
    public void TearDown() => _runs.Dispose();

    [TestCase("en.jsonl", "text en")]
    [TestCase("tokenizer/tokenizer.json", "tokenizer")]
    [TestCase("base/final/config.json", "model config.json")]
    public void Fault_C5_ChangedInput_IsRefused(string file, string named)
    {
        StopAtStep(2);
        File.AppendAllText(_runs.Path(file), "\n");
        RunException refused = Assert.Throws<RunException>(() => _runs.Train(Continued))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain(named));
    }

    [Test]
    public void Fault_C5_WithoutItsRecord_AnotherConfigurationIsRefusedByTheCheckpoint()
    {
        StopAtStep(2);
        File.Delete(_runs.Path("run/run.json"));
        RunException refused = Assert.Throws<RunException>(() => _runs.Train(Continued with { Seed = 4 }))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("step-00000002").And.Contain("another configuration"));
    }

    [Test]
    public void Fault_C5_WithoutItsRecord_AnotherBaseIsFoundByWhatIsFrozen()
    {
        StopAtStep(2);
        File.Delete(_runs.Path("run/run.json"));
        RunConfig other = _runs.Config("other") with { Seed = 5 };
        _runs.Train(other with { Training = other.Training with { MaxSteps = 1, WarmupSteps = 0, EvalSteps = 0 } });
        File.Copy(
            Path.Combine(_runs.Final("other"), "model.safetensors"),
            Path.Combine(_runs.Final("base"), "model.safetensors"), overwrite: true);
        RunException refused = Assert.Throws<RunException>(() => _runs.Train(Continued))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.Contain("model.layers.2.").And.Contain("frozen"));
    }

    [Test]
    public void AnotherInstructionSet_IsSaid()
    {
        StopAtStep(2);
        using var console = new StringWriter();
        _runs.Train(Continued with { Device = "reference" }, console: console);
        Assert.That(console.ToString(), Does.Match("warning: .*was computed by cpu .*, this is reference"));
    }

    [TestCase(9, 0)]
    [TestCase(7, 0)]
    [TestCase(0, 100)]
    public void FinishedRun_OfAnotherLength_IsRefused(int steps, long tokens)
    {
        RunConfig config = _runs.Config("base");
        RunException refused = Assert.Throws<RunException>(() => _runs.Train(config with
        {
            Training = config.Training with { MaxSteps = steps, MaxTokens = tokens, WarmupSteps = 0, EvalSteps = 0 },
        }))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("(1, 0)").And.Contain($"({steps}, {tokens})"));
    }

    [Test]
    public void RecordOfTheDeepestModel_IsReadBack()
    {
        const int Layers = 512, TensorsPerLayer = 13;
        RunConfig config = _runs.Config("deep");
        Directory.CreateDirectory(config.OutputDir);
        using Backend backend = Backends.Open("reference");
        using var parameters = new ParameterSet(backend, DType.F32);
        for (int i = 0; i < Layers * TensorsPerLayer; i++)
            parameters.Add(
                $"model.layers.{i / TensorsPerLayer}.self_attn.projection_{i % TensorsPerLayer}.weight", new Shape(1));
        var inputs = new Dictionary<string, string> { ["text en"] = "en-0123" };
        RunRecord.SaveParameters(config.OutputDir, parameters.All, _ => "trained", FileSystem.Real);
        RunRecord.Save(config.OutputDir, config, 1, "reference", 1, inputs, FileSystem.Real);
        Assert.That(RunRecord.Load(config.OutputDir)!.ToYaml(), Is.EqualTo(config.ToYaml()));
        Assert.That(RunRecord.NextAttempt(config.OutputDir), Is.EqualTo(2));
        RunRecord.RequireSameInputs(config.OutputDir, inputs);
    }

    [Test]
    public void FrozenWeights_NoticesWhatMoved()
    {
        using Backend backend = Backends.Open("cpu");
        using var model = (CausalModel)ModelLoader.Load(_runs.Final("base"), backend, DType.F32, 32, _ => { });
        Parameter frozen = model.Parameters["model.layers.3.mlp.up_proj.weight"];
        model.Parameters.Train(parameter => parameter != frozen);
        var weights = new FrozenWeights(model.Parameters);
        backend.Fill(0, model.Parameters["model.norm.weight"].Value);
        Assert.That(weights.FirstMoved(), Is.Null);
        backend.Fill(0, frozen.Value.Reshape(new Shape(frozen.Value.Length, 1)).Slice(0, 1));
        Assert.That(weights.FirstMoved(), Is.EqualTo(frozen.Name));
    }

    private RunConfig Continued => _runs.From("base", "run") with
    {
        Alignment = new AlignmentConfig
        {
            FirstLayers = 2, LastLayers = 2, Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] },
        },
    };

    private void StopAtStep(int step)
    {
        using var stop = new StopSignal(folder: null, _ => { });
        Assert.That(
            () => _runs.Train(Continued, console: new StopAtLine($"step {step} ", stop), stop: stop),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
    }
}
