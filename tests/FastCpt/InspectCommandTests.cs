using System.Text.Json;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class InspectCommandTests
{
    private static readonly string Golden =
        Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "models", "gemma3-pattern");

    private TestFolder _folder = null!;

    [SetUp]
    public void CopyModel()
    {
        _folder = new TestFolder();
        foreach (string name in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(Golden, name), _folder.At(name));
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Inspect_ReadsModelsOfLlama2c()
    {
        Call call = Call.Of("inspect", Llama2cReaderTests.Write(_folder, tied: false), "--json");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument facts = JsonDocument.Parse(call.Output);
        Assert.That(facts.RootElement.GetProperty("layers").GetInt32(), Is.EqualTo(2));
        Assert.That(facts.RootElement.GetProperty("tied_head").GetBoolean(), Is.False);
    }

    [Test]
    public void Inspect_CountsParametersByLayerGroup()
    {
        Call call = Call.Of("inspect", _folder.Path, "--json", "--verify");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error + call.Output);
        using JsonDocument facts = JsonDocument.Parse(call.Output);
        JsonElement root = facts.RootElement;
        long Number(string key) => root.GetProperty(key).GetInt64();
        Assert.Multiple(() =>
        {
            Assert.That(Number("parameters"), Is.EqualTo(Number("parameters_first") + Number("parameters_middle")
                + Number("parameters_last") + Number("parameters_other")));
            Assert.That(Number("parameters_first"), Is.Positive);
            Assert.That(root.GetProperty("problems").GetArrayLength(), Is.Zero);
            Assert.That(Number("tensors"), Is.Positive);
        });
    }

    [Test]
    public void Inspect_ShowsAWeightFileAndItsTensors()
    {
        Call call = Call.Of("inspect", _folder.At("model.safetensors"), "--verbose");
        Assert.That(call.Output, Does.Contain("parameters: ").And.Contain("types: "));
        Assert.That(call.Error, Does.Contain("'model.embed_tokens.weight'"));
    }

    [Test]
    public void Fault_M6_NumbersThatAreNotFinite_FailTheCheckAndAreNamed()
    {
        byte[] bytes = File.ReadAllBytes(_folder.At("model.safetensors"));
        bytes.AsSpan(bytes.Length - 4).Fill(0xFF);
        File.WriteAllBytes(_folder.At("model.safetensors"), bytes);
        Call call = Call.Of("inspect", _folder.Path, "--verify");
        Assert.That(call.Code, Is.EqualTo(ExitCode.CheckFailed));
        Assert.That(call.Output, Does.Contain("are NaN or infinite"));
        Assert.That(Call.Of("inspect", _folder.Path).Code, Is.EqualTo(ExitCode.Done));
    }

    [Test]
    public void Inspect_VerifiesACheckpointByItsManifest()
    {
        using var runLock = RunLock.Take(_folder.Path);
        var store = new CheckpointStore(_folder.At("checkpoints"), runLock, new CheckpointRetention(), _ => { });
        Checkpoint saved = store.Save(7, writer =>
        {
            writer.Copy(_folder.At("model.safetensors"), "model.safetensors");
            writer.Copy(_folder.At("config.json"), "config.json");
        }, new CheckpointFacts
        {
            RunId = "a-run", ConfigSha256 = "", ToolVersion = ToolVersion.Text, Tokens = 5,
            WriteState = json => json.WriteRawValue("{}"),
        });
        Call whole = Call.Of("inspect", saved.Path, "--verify");
        File.AppendAllText(Path.Combine(saved.Path, "config.json"), " ");
        Call changed = Call.Of("inspect", saved.Path, "--verify");
        Assert.Multiple(() =>
        {
            Assert.That(whole.Code, Is.EqualTo(ExitCode.Done), whole.Output + whole.Error);
            Assert.That(whole.Output, Does.Contain("step: 7\n").And.Contain("run_id: a-run\n"));
            Assert.That(changed.Code, Is.EqualTo(ExitCode.CheckFailed));
            Assert.That(changed.Output, Does.Contain("problem: config.json has "));
        });
    }

    [Test]
    public void Inspect_RefusesWhatItCannotRead()
    {
        File.WriteAllText(_folder.At("broken.safetensors"), "abc");
        Call broken = Call.Of("inspect", _folder.At("broken.safetensors"));
        Call absent = Call.Of("inspect", _folder.At("absent"));
        File.WriteAllText(_folder.At("config.json"), "{}");
        Call odd = Call.Of("inspect", _folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(broken.Code, Is.EqualTo(ExitCode.ModelFile));
            Assert.That(absent.Code, Is.EqualTo(ExitCode.ModelFile), absent.Error);
            Assert.That(odd.Code, Is.EqualTo(ExitCode.ModelFile));
        });
    }
}
