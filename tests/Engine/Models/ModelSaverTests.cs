using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

public sealed class ModelSaverTests
{
    private static DecoderConfig Gemma => TinyModels.Config(Architecture.Gemma3);

    [Test]
    public void Saver_WritesTheSameBytesTwice()
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("cpu");
        using CausalModel model = TinyModels.Create(Gemma, backend, DType.F32);
        ModelSaver.Save(folder.At("a"), model, DType.BF16);
        ModelSaver.Save(folder.At("b"), model, DType.BF16);
        foreach (string name in (string[])["config.json", "model.safetensors"])
            Assert.That(File.ReadAllBytes(Path.Combine(folder.At("b"), name)),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(folder.At("a"), name))), name);
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Has.Length.EqualTo(2));
    }

    [Test]
    public void Saver_StoresATiedHeadOnce([Values] bool tied)
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(Gemma with { TiedHead = tied }, backend, DType.F32);
        ModelSaver.Save(folder.At("saved"), model, DType.F32);
        using TensorFolder tensors = TensorFolder.Open(folder.At("saved"), Assert.Fail);
        Assert.That(tensors.Find("lm_head.weight"), tied ? Is.Null : Is.Not.Null);
        Assert.That(tensors.Entries, Has.Count.EqualTo(model.Parameters.All.Count));
    }

    /// <summary>Masters hold more than the BF16 values, so what is stored comes from them.</summary>
    [Test]
    public void Saver_RoundsMastersOnce()
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(Gemma, backend, DType.BF16);
        using DeviceBuffer memory = backend.Allocate(1 << 16);
        ModelSaver.Save(folder.At("f32"), model, DType.F32, values: Master);
        ModelSaver.Save(folder.At("bf16"), model, DType.BF16, values: Master);
        Assert.That(Norm("f32"), Is.All.EqualTo(1 + 3 / 512.0));
        Assert.That(Norm("bf16"), Is.All.EqualTo(1 + 1 / 128.0));

        Tensor Master(Parameter parameter)
        {
            Tensor master = memory.At(0, DType.F32, parameter.Value.Shape);
            backend.Fill(1 + 3 / 512.0, master);
            return master;
        }

        double[] Norm(string name)
        {
            using var again = (CausalModel)ModelLoader.Load(folder.At(name), backend, DType.F32, 8, Assert.Fail);
            return TestTensors.Read(backend, again.Parameters["model.norm.weight"].Value);
        }
    }

    [Test]
    public void Saver_WritesShardsThatLoad()
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(Gemma, backend, DType.F32);
        using (var output = new FolderWriter(folder.At("saved")))
        {
            ModelSaver.Write(output, model, DType.F32, maxShardBytes: 2000);
            output.Complete();
        }

        Assert.That(Directory.GetFiles(folder.At("saved"), "model-*.safetensors"), Has.Length.GreaterThan(2));
        using var again = (CausalModel)ModelLoader.Load(folder.At("saved"), backend, DType.F32, 8, Assert.Fail);
        foreach (Parameter parameter in model.Parameters.All)
            Assert.That(TestTensors.Read(backend, again.Parameters[parameter.Name].Value),
                Is.EqualTo(TestTensors.Read(backend, parameter.Value)));
    }

    [Test]
    public void Saver_CopiesOtherFilesUnchanged()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder.At("source"));
        File.WriteAllText(Path.Combine(folder.At("source"), "tokenizer.json"), "{ \"as\":  \"it is\" }");
        File.WriteAllText(Path.Combine(folder.At("source"), "config.json"), "{ \"other\": 1 }");
        File.WriteAllText(Path.Combine(folder.At("source"), "model.safetensors"), "old");
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(Gemma, backend, DType.F32);
        ModelSaver.Save(folder.At("saved"), model, DType.F32, othersFrom: folder.At("source"));
        Assert.That(File.ReadAllText(Path.Combine(folder.At("saved"), "tokenizer.json")),
            Is.EqualTo("{ \"as\":  \"it is\" }"));
        Assert.That(ModelConfigReader.Read(folder.At("saved")).Config.IsSameAs(Gemma), Is.True);
        using TensorFolder tensors = TensorFolder.Open(folder.At("saved"), Assert.Fail);
        Assert.That(tensors.Entries, Has.Count.EqualTo(model.Parameters.All.Count));
    }

    [Test]
    public void Saver_ThatIsStopped_LeavesNothing()
    {
        using var folder = new TestFolder();
        using var stop = new StopSignal();
        stop.RequestStop("a test");
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(Gemma, backend, DType.F32);
        Assert.That(() => ModelSaver.Save(folder.At("saved"), model, DType.F32, stop: stop),
            Throws.TypeOf<RunException>());
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }
}
