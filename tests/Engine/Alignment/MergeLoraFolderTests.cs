using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Adapters;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Alignment;

/// <summary>Adapters merged into the shapes that published folders have: encoders with heads, bare ones, multimodal
/// ones, and heads that are stored although they are tied.</summary>
internal sealed class MergeLoraFolderTests
{
    private const int Labels = 3;

    private TestFolder _folder = null!;         // SetUp makes these
    private Backend _backend = null!;

    private static string Golden => Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "models");

    [SetUp]
    public void SetUp() => (_folder, _backend) = (new TestFolder(), Backends.Open("cpu", threads: 2));

    [TearDown]
    public void TearDown()
    {
        _backend.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void Fact17_MergedEncoder_LabelsAsTheAdaptedOne_AndTakingOutRestoresIt()
    {
        double[] expected = SaveClassifier("adapter");
        double[][] before = Values(GoldenEncoder.Folder);
        Merge(GoldenEncoder.Folder, "merged");
        using (XlmRoberta merged = Encoder(_folder.At("merged")))
        {
            double[] found = Logits(merged, Stored("merged", "classifier.weight"), Stored("merged", "classifier.bias"));
            Assert.That(found, Is.EqualTo(expected).Within(1e-5 * expected.Max(Math.Abs)));
        }

        string config = File.ReadAllText(Path.Combine(_folder.At("merged"), "config.json"));
        Assert.That(config, Does.Contain("id2label").And.Contain("B-time"));
        var warnings = new List<string>();
        MergeLora.Run(
            new MergeInput("merged", _folder.At("merged")), _folder.At("adapter"),
            new MergeOutput(_folder.At("back")) { Warn = warnings.Add }, takeOut: true);
        Assert.That(warnings, Has.One.Contains("'classifier.weight' is left out"));
        Assert.That(warnings, Has.One.Contains("'classifier.bias' is left out"));
        foreach (var (start, end) in before.Zip(Values(_folder.At("back"))))
            Assert.That(end, Is.EqualTo(start).Within(1e-6));
        using TensorFolder back = TensorFolder.Open(_folder.At("back"), Assert.Fail);
        Assert.That(back.Find("classifier.weight"), Is.Null);
    }

    /// <summary>A bare encoder lacks the prefix of the adapter's keys, and the masked head.</summary>
    [Test]
    public void BareEncoder_TakesAnAdapterOfTheWholeOne()
    {
        SaveClassifier("adapter");
        Rewrite(
            GoldenEncoder.Folder, "bare", name => name.StartsWith("roberta.", StringComparison.Ordinal)
                ? name["roberta.".Length..] : null,
            ("XLMRobertaForMaskedLM", "XLMRobertaModel"));
        Merge(GoldenEncoder.Folder, "merged");
        Merge(_folder.At("bare"), "bare-merged");
        RequireSameTensors("merged", "bare-merged", name => $"roberta.{name}");
    }

    /// <summary>The text model inside gets what the text model alone gets; the vision part stays.</summary>
    [Test]
    public void MultimodalFolder_TakesAnAdapterOfItsTextModel()
    {
        string source = Path.Combine(Golden, "gemma3-multimodal");
        using (Model model = ModelLoader.Load(source, _backend, DType.F32, 16, _ => { }))
        {
            ModelSaver.Save(_folder.At("text"), model, DType.BF16);      // as the folder has it
            using Lora lora = TinyLora.Attach(model);
            Save("adapter", lora, []);
        }

        Merge(_folder.At("text"), "merged");
        Merge(source, "multimodal");
        double[][] text = Values(_folder.At("merged"));
        Assert.That(Values(_folder.At("multimodal")), Is.EqualTo(text));
        Assert.That(text, Is.Not.EqualTo(Values(source)));
        RequireSameTensors(source, _folder.At("multimodal"), name => StoredNames.IsVisionPart(name) ? name : null);
    }

    /// <summary>config.json ties the two; that the head is stored as well changes nothing.</summary>
    [TestCase(TiedHead.Refuse)]
    [TestCase(TiedHead.Shared)]
    [TestCase(TiedHead.Untie)]
    public void TiedHeadThatIsStored_IsTied(TiedHead tied)
    {
        string source = Path.Combine(Golden, "llama-tied");
        Rewrite(source, "copied", name => name, null, (ParameterLayout.Head, ParameterLayout.Embedding));
        using (Model model = ModelLoader.Load(source, _backend, DType.F32, 16, _ => { }))
        {
            using Lora lora = TinyLora.Attach(model);
            Parameter table = model.Parameters[ParameterLayout.Embedding];
            _backend.Fill(0.5f, table.Value);
            Save("adapter", lora, ["embed_tokens"], (table.Name, table.Value));
        }

        if (tied == TiedHead.Refuse)
        {
            var refused = Assert.Throws<RunException>(() => Merge(_folder.At("copied"), "no"));
            Assert.That(refused.Message, Does.Contain("embed_tokens"));
            return;
        }

        Merge(_folder.At("copied"), "merged", tied);
        using var merged = (CausalModel)ModelLoader.Load(_folder.At("merged"), _backend, DType.F32, 16, Assert.Fail);
        using var origin = (CausalModel)ModelLoader.Load(source, _backend, DType.F32, 16, _ => { });
        Assert.That(merged.Config.TiedHead, Is.EqualTo(tied == TiedHead.Shared));
        double[] head = TestTensors.Read(_backend, merged.Head.Value);
        Assert.That(
            TestTensors.Read(_backend, merged.Parameters[ParameterLayout.Embedding].Value), Has.All.EqualTo(0.5));
        Assert.That(
            head, tied == TiedHead.Shared
                ? Has.All.EqualTo(0.5) : Is.EqualTo(TestTensors.Read(_backend, origin.Head.Value)));
    }

    /// <summary>The masked head scores with the word embeddings, so they do not change alone.</summary>
    [Test]
    public void WordEmbeddingsOfAMaskedHead_AreRefused_OrShared()
    {
        using (XlmRoberta model = Encoder(GoldenEncoder.Folder))
        {
            using Lora lora = TinyLora.Attach(model);
            Parameter words = model.Parameters[EncoderLayout.Words];
            _backend.Fill(0.5f, words.Value);
            Save("adapter", lora, ["word_embeddings"], (words.Name, words.Value));
            lora.Dispose();
            using PeftFolder folder = PeftFolder.Open(_folder.At("adapter"), Assert.Fail);
            Assert.That(
                Assert.Throws<RunException>(() => folder.Attach(model, _ => { })).Message,
                Does.Contain("word_embeddings"));
        }

        Assert.That(
            Assert.Throws<RunException>(() => Merge(GoldenEncoder.Folder, "no")).Message,
            Does.Contain("word_embeddings"));
        Assert.That(
            Assert.Throws<RunException>(() => Merge(GoldenEncoder.Folder, "no", TiedHead.Untie)).Message,
            Does.Contain("masked head"));
        Merge(GoldenEncoder.Folder, "merged", TiedHead.Shared);
        using XlmRoberta merged = Encoder(_folder.At("merged"));
        Assert.That(TestTensors.Read(_backend, merged.Parameters[EncoderLayout.Words].Value), Has.All.EqualTo(0.5));
    }

    /// <summary>An adapter of the golden encoder with a head; returns what the two score.</summary>
    private double[] SaveClassifier(string name)
    {
        using XlmRoberta model = Encoder(GoldenEncoder.Folder);
        using var head = new TokenClassifier(_backend, DType.F32, model.Config.Width, Labels);
        head.Draw(3, 0.3f);
        using Lora lora = TinyLora.Attach(model);
        Save(name, lora, ["classifier"], [.. head.Parameters.All.Select(it => (it.Name, it.Value))]);
        File.WriteAllBytes(
            Path.Combine(_folder.At(name), AdapterState.FileName),
            new AdapterState { Labels = ["O", "B-time", "I-time"] }.ToBytes());
        return Logits(
            model, TestTensors.Read(_backend, head.Parameters["classifier.weight"].Value),
            TestTensors.Read(_backend, head.Parameters["classifier.bias"].Value));
    }

    private void Save(string name, Lora lora, string[] saved, params (string Name, Tensor Value)[] more) =>
        PeftFolder.Save(
            _folder.At(name), new PeftConfig(lora.Settings with { ModulesToSave = saved }),
            [.. lora.Parameters.All.Select(it => (it.Name, it.Value)), .. more], _backend);

    /// <returns>[M, K], summed in double.</returns>
    private double[] Logits(XlmRoberta model, double[] weight, double[] bias)
    {
        using var tape = new Tape(_backend, poison: true);
        tape.BeginInference();
        double[] hidden = TestTensors.Read(
            _backend, model.Hidden(tape, GoldenEncoder.Read().Packed().Upload(tape)).Value);
        int width = model.Config.Width;
        return
        [
            .. Enumerable.Range(0, hidden.Length / width).SelectMany(row => Enumerable.Range(0, Labels).Select(
                label => bias[label] + Enumerable.Range(0, width).Sum(
                    i => hidden[row * width + i] * weight[label * width + i]))),
        ];
    }

    private void Merge(string source, string name, TiedHead tied = TiedHead.Refuse) => MergeLora.Run(
        new MergeInput("base", source), _folder.At("adapter"), new MergeOutput(_folder.At(name)), tied);

    /// <summary>A copy of a folder with other names of tensors, some left out, some stored twice.</summary>
    private void Rewrite(
        string source, string name, Func<string, string?> rename, (string Old, string New)? config = null,
        params (string Copy, string Of)[] copies)
    {
        using TensorFolder from = TensorFolder.Open(source, _ => { });
        var names = from.Entries.Select(entry => (Name: rename(entry.Name), entry))
            .Concat(copies.Select(copy => ((string?)copy.Copy, from.Find(copy.Of)!)))      // the base has it
            .Where(it => it.Item1 is not null).ToDictionary(it => it.Item1!, it => it.Item2);
        using var output = new FolderWriter(_folder.At(name));
        TensorFolderWriter.Write(
            output, [.. names.Select(it => new TensorEntry(it.Key, it.Value.Type, it.Value.Shape))],
            (entry, stream) => stream.Write(Bytes(from, names[entry.Name].Name)));
        string text = File.ReadAllText(Path.Combine(source, "config.json"));
        if (config is { } change)
            text = text.Replace(change.Old, change.New, StringComparison.Ordinal);
        output.Write("config.json", stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
        output.Complete();
    }

    /// <param name="name">What a tensor of the second folder is called in the first; null to pass over it.</param>
    private void RequireSameTensors(string expected, string found, Func<string, string?> name)
    {
        using TensorFolder one = TensorFolder.Open(At(expected), _ => { });
        using TensorFolder two = TensorFolder.Open(At(found), _ => { });
        int compared = 0;
        foreach (TensorEntry entry in two.Entries)
        {
            if (name(entry.Name) is not { } other || (one.Find(other) ?? one.Find(entry.Name)) is not { } same)
                continue;
            compared++;
            Assert.That(Bytes(two, entry.Name), Is.EqualTo(Bytes(one, same.Name)), entry.Name);
        }

        Assert.That(compared, Is.Positive);
    }

    private string At(string name) => Path.IsPathRooted(name) ? name : _folder.At(name);

    private static byte[] Bytes(TensorFolder folder, string name)
    {
        var bytes = new byte[folder.Find(name)!.ByteCount];     // the caller has it from there
        folder.Read(name, 0, bytes);
        return bytes;
    }

    private double[] Stored(string folder, string name)
    {
        using TensorFolder tensors = TensorFolder.Open(_folder.At(folder), Assert.Fail);
        byte[] bytes = Bytes(tensors, name);
        return [.. Enumerable.Range(0, bytes.Length / 4).Select(i => (double)BitConverter.ToSingle(bytes, 4 * i))];
    }

    private XlmRoberta Encoder(string folder)
    {
        var model = (XlmRoberta)ModelLoader.Load(folder, _backend, DType.F32, 20, _ => { });
        (model.HiddenDropout, model.AttentionDropout) = (0, 0);
        return model;
    }

    private double[][] Values(string folder)
    {
        using Model model = ModelLoader.Load(folder, _backend, DType.F32, 16, _ => { });
        return [.. model.Parameters.All.Select(parameter => TestTensors.Read(_backend, parameter.Value))];
    }
}
