using System.Text.Json;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Adapters of blocks in folders: prefixes as PEFT stores them, the others in a format of ours.</summary>
internal sealed class BlockAdapterFolderTests
{
    private const string Peft = """
        {
          "auto_mapping": null,
          "base_model_name_or_path": "xlm-roberta-base",
          "encoder_hidden_size": 12,
          "inference_mode": true,
          "num_attention_heads": 3,
          "num_layers": 2,
          "num_transformer_submodules": 1,
          "num_virtual_tokens": 3,
          "peft_type": "PREFIX_TUNING",
          "peft_version": "0",
          "prefix_projection": false,
          "revision": null,
          "task_type": "TOKEN_CLS",
          "token_dim": 12
        }
        """;

    private TestFolder _folder = null!;         // of SetUp
    private Backend _backend = null!;
    private Model _model = null!;

    private string Path => System.IO.Path.Combine(_folder.Path, "adapter");

    [SetUp]
    public void SetUp()
    {
        _folder = new TestFolder();
        _backend = Backends.Open("cpu", threads: 1);
        _model = BlockScene.Model("xlm-roberta", _backend, DType.F32);
    }

    [TearDown]
    public void TearDown()
    {
        _model.Dispose();
        _backend.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void Adapters_ComeBackAsTheyWere(
        [Values(BlockScene.Bottleneck, BlockScene.Fusion, BlockScene.Prefix)] string kind, [Values] bool withHead)
    {
        using BlockAdapters adapters = BlockScene.Trained(_model, kind, number: 4);
        using TokenClassifier head = Head(seed: 3), other = Head(seed: 4);
        BlockAdapterFolder.Save(Path, _model, adapters, withHead ? head.Parameters : null);
        Assert.That(BlockAdapterFolder.IsAt(Path));
        using BlockAdapters back = BlockAdapterFolder.Load(
            _model, Path, Assert.Fail, withHead ? other.Parameters : null);
        Assert.That(Values(back.Parameters), Is.EqualTo(Values(adapters.Parameters)));
        Assert.That(
            back.Parameters.Trained.Select(parameter => parameter.Name),
            Is.EqualTo(adapters.Parameters.Trained.Select(parameter => parameter.Name)));
        Assert.That(
            Values(other.Parameters)[0], withHead ? Is.EqualTo(Values(head.Parameters)[0])
                : Is.Not.EqualTo(Values(head.Parameters)[0]));
        string again = System.IO.Path.Combine(_folder.Path, "again");
        BlockAdapterFolder.Save(again, _model, back, withHead ? other.Parameters : null);
        foreach (string file in Directory.GetFiles(Path).Select(file => System.IO.Path.GetFileName(file)))
            Assert.That(File.ReadAllBytes(System.IO.Path.Combine(again, file)), Is.EqualTo(
                File.ReadAllBytes(System.IO.Path.Combine(Path, file))), file);
    }

    [Test]
    public void Prefix_LiesAsInPeft()
    {
        using BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Prefix, number: 4);
        using TokenClassifier head = Head(seed: 3);
        BlockAdapterFolder.Save(Path, _model, adapters, head.Parameters, "xlm-roberta-base");
        Assert.That(
            File.ReadAllText(System.IO.Path.Combine(Path, "adapter_config.json")), Is.EqualTo(Peft));
        using TensorFolder tensors = TensorFolder.Open(Path, Assert.Fail, "adapter_model");
        Assert.That(
            tensors.Entries.Select(entry => entry.ToString()),
            Is.EquivalentTo((string[])[
                "'base_model.classifier.bias' F32 [5]", "'base_model.classifier.weight' F32 [5, 12]",
                "'prompt_embeddings' F32 [3, 48]"]));
        var bytes = new byte[3 * 48 * sizeof(float)];
        tensors.Read("prompt_embeddings", bytes);
        double[][] parts = Values(adapters.Parameters);     // key and value of layer 0, of layer 1: [3, 12] each
        for (int i = 0; i < 3 * 48; i++)
            Assert.That(
                BitConverter.ToSingle(bytes, i * sizeof(float)),
                Is.EqualTo((float)parts[i % 48 / 12][i / 48 * 12 + i % 12]), $"element {i}");
    }

    [Test]
    public void Bottleneck_IsDescribedInJson()
    {
        using BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Bottleneck, number: 4);
        BlockAdapterFolder.Save(Path, _model, adapters);
        using JsonDocument json = StrictJson.Load(
            System.IO.Path.Combine(Path, "block_adapter.json"), ExitCode.ModelFile);
        Assert.That(
            JsonSerializer.Serialize(json.RootElement),
            Is.EqualTo("""{"format":1,"kind":"bottleneck","activation":"gelu","width":3}"""));
        using TensorFolder tensors = TensorFolder.Open(Path, Assert.Fail, "adapter_model");
        Assert.That(
            tensors.Find("roberta.encoder.layer.1.adapter_down.weight")?.Shape, Is.EqualTo((long[])[3, 12]));
    }

    [TestCase("\"prefix_projection\": false", "\"prefix_projection\": true", "prefix_projection is true")]
    [TestCase("\"num_layers\": 2", "\"num_layers\": 12", "num_layers is 12, but the model has 2")]
    [TestCase("\"num_attention_heads\": 3", "\"num_attention_heads\": 2", "num_attention_heads is 2")]
    [TestCase("\"num_transformer_submodules\": 1", "\"num_transformer_submodules\": 2", "submodules is 2")]
    [TestCase("\"token_dim\": 12", "\"token_dim\": 768", "token_dim is 768")]
    [TestCase("PREFIX_TUNING", "PROMPT_TUNING", "peft_type is \"PROMPT_TUNING\"")]
    [TestCase("\"num_virtual_tokens\": 3", "\"num_virtual_tokens\": 0", "num_virtual_tokens is 0")]
    [TestCase("\"num_virtual_tokens\": 3", "\"num_virtual_tokens\": 65536", "'prompt_embeddings' F32 [3, 48]")]
    [TestCase("\"num_virtual_tokens\": 3,", "", "num_virtual_tokens is missing")]
    public void Prefix_OfAnotherKindOrModel_IsRefused(string from, string to, string message)
    {
        using (BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Prefix, number: 4))
            BlockAdapterFolder.Save(Path, _model, adapters);
        Change("adapter_config.json", from, to);
        Refused(message);
    }

    [TestCase("\"kind\": \"bottleneck\"", "\"kind\": \"parallel\"", "kind is \"parallel\"")]
    [TestCase("\"format\": 1", "\"format\": 2", "format is 2")]
    [TestCase("\"gelu\"", "\"relu\"", "activation is \"relu\"")]
    [TestCase("\"width\": 3", "\"width\": 4", "but the adapter needs F32 [4, 12]")]
    [TestCase("\"width\": 3", "\"width\": 0", "width is 0")]
    [TestCase("\"width\": 3", "\"widths\": 3", "width is missing")]
    [TestCase("\"width\": 3", "\"width\": 3, \"scale\": 2", "'scale' is not known")]
    public void Bottleneck_ThatIsNotOurs_IsRefused(string from, string to, string message)
    {
        using (BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Bottleneck, number: 4))
            BlockAdapterFolder.Save(Path, _model, adapters);
        Change("block_adapter.json", from, to);
        Refused(message);
    }

    /// <summary>A width of 2²⁰ would be gigabytes, of which the file holds none.</summary>
    [Test]
    public void WidthBeyondWhatIsStored_IsRefused_BeforeMemoryIsTaken()
    {
        using BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Bottleneck, number: 4);
        BlockAdapterFolder.Save(Path, _model, adapters);
        string description = System.IO.Path.Combine(Path, BlockAdapterFolder.FileName);
        int width = ((BottleneckSettings)adapters.Settings).Width;
        File.WriteAllText(description, File.ReadAllText(description).Replace(
            $"\"width\": {width}", "\"width\": 1048576", StringComparison.Ordinal));
        Assert.That(
            Assert.Throws<RunException>(() => BlockAdapterFolder.Load(_model, Path, Assert.Fail)).Message,
            Does.Contain("asks for").And.Contain("are stored"));
    }

    [Test]
    public void Tensors_ThatAreLeftOverOrMissing_AreRefused()
    {
        using BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Bottleneck, number: 4);
        using TokenClassifier head = Head(seed: 3);
        BlockAdapterFolder.Save(Path, _model, adapters, head.Parameters);
        Refused("classifier.weight' F32 [5, 12] is no part of the adapter", "classifier.bias' F32 [5] is no part of");
        Directory.Delete(Path, recursive: true);
        BlockAdapterFolder.Save(Path, _model, adapters);
        var refused = Assert.Throws<RunException>(
            () => BlockAdapterFolder.Load(_model, Path, Assert.Fail, head.Parameters));
        Assert.That(refused.Message, Does.Contain("classifier.weight"));
    }

    [Test]
    public void NumbersThatAreNotFinite_AreNeitherWrittenNorRead()
    {
        using BlockAdapters adapters = BlockScene.Trained(_model, BlockScene.Bottleneck, number: 4);
        _backend.Fill(double.NaN, adapters.Parameters.All[1].Value);
        var refused = Assert.Throws<RunException>(() => BlockAdapterFolder.Save(Path, _model, adapters));
        Assert.That((refused.Code, Directory.Exists(Path)), Is.EqualTo((ExitCode.Numerics, false)));
        using (var output = new FolderWriter(Path))
        {
            Assert.That(BlockAdapterFolder.Write(output, _model, adapters), Is.EqualTo(3));
            output.Complete();
        }

        Refused("3 numbers of 'roberta.encoder.layer.0.adapter_down.bias' are not finite");
    }

    private void Change(string file, string from, string to)
    {
        string path = System.IO.Path.Combine(Path, file), text = File.ReadAllText(path);
        Assert.That(text, Does.Contain(from));
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
    }

    private void Refused(params string[] messages)
    {
        var refused = Assert.Throws<RunException>(() => BlockAdapterFolder.Load(_model, Path, Assert.Fail));
        Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(messages.Any(message => refused.Message.Contains(message)), refused.Message);
    }

    private TokenClassifier Head(ulong seed)
    {
        var head = new TokenClassifier(_backend, DType.F32, width: 12, labels: 5);
        head.Draw(seed, deviation: 0.3f);
        return head;
    }

    private double[][] Values(ParameterSet parameters) =>
        [.. parameters.All.Select(parameter => TestTensors.Read(_backend, parameter.Value))];
}
