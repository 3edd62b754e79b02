using FastCpt.Engine.Adapters;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>The folder of a token classifier with XLM-R's twelve layers, each narrow: 146 tensors by hand.</summary>
internal sealed class PeftClassifierTests
{
    private const int Layers = 12, Width = 4, Inner = 6, Labels = 3, Rank = 2;

    private const string Config =
        """
        {
          "alpha_pattern": {},
          "auto_mapping": null,
          "base_model_name_or_path": "xlm-roberta-narrow",
          "bias": "none",
          "exclude_modules": null,
          "fan_in_fan_out": false,
          "inference_mode": true,
          "init_lora_weights": true,
          "layers_pattern": null,
          "layers_to_transform": null,
          "lora_alpha": 2,
          "lora_dropout": 0.1,
          "modules_to_save": [
            "classifier",
            "score"
          ],
          "peft_type": "LORA",
          "peft_version": "0+fastcpt",
          "r": 2,
          "rank_pattern": {},
          "revision": null,
          "target_modules": [
            "query",
            "key",
            "value",
            "attention.output.dense",
            "intermediate.dense",
            "output.dense"
          ],
          "task_type": "TOKEN_CLS",
          "use_dora": false,
          "use_rslora": false
        }
        """;

    private TestFolder _folder = null!;         // SetUp makes these
    private Backend _backend = null!;
    private XlmRoberta _encoder = null!;
    private TokenClassifier _head = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TestFolder();
        _backend = Backends.Open("reference");
        var config = new EncoderConfig
        {
            VocabularySize = 11, Width = Width, Layers = Layers, Heads = 1, InnerWidth = Inner, MaxPositions = 10,
            NormEpsilon = 1e-5f,
        };
        _encoder = new XlmRoberta(config, _backend, DType.F32, 4);
        _head = new TokenClassifier(_backend, DType.F32, Width, Labels);
    }

    [TearDown]
    public void TearDown()
    {
        _head.Dispose();
        _encoder.Dispose();
        _backend.Dispose();
        _folder.Dispose();
    }

    /// <summary>Keys as a token classifier's base has them, or as a bare encoder's.</summary>
    [Test]
    public void Fact35_TokenClassifier_Has146Tensors_AndTheSameBytesBothWays([Values] bool isBare)
    {
        (string Key, int Rows, int Cols)[] tensors = Tensors(isBare ? "" : "roberta.");
        Assert.That(tensors, Has.Length.EqualTo(146));
        PeftFixture.Write(_folder.At("hand"), Config, tensors);
        using PeftFolder source = PeftFolder.Open(_folder.At("hand"), Assert.Fail);
        using Lora lora = source.Attach(_encoder, Assert.Fail, _head.Parameters);
        int place = 0;
        foreach (var (key, rows, cols) in tensors)
        {
            string name = key["base_model.model.".Length..];
            Parameter parameter = name.StartsWith("classifier", StringComparison.Ordinal) ? _head.Parameters[name]
                : lora.Parameters[isBare ? $"roberta.{name}" : name];
            foreach (double value in TestTensors.Read(_backend, parameter.Value))
                Assert.That(value, Is.EqualTo(PeftFixture.Value(place++)), key);
        }

        Save("again", source.Config, lora, isBare);
        RequireSameBytes("again");
        var settings = new LoraSettings
        {
            Rank = Rank, Alpha = 2, Dropout = 0.1, ModulesToSave = ["classifier", "score"],
            Targets =
                ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"],
        };
        Save(
            "ours", new PeftConfig(settings) { TaskType = "TOKEN_CLS", Base = "xlm-roberta-narrow" }, lora, isBare);
        RequireSameBytes("ours");
    }

    /// <summary>The published adapters have a pair at the pooler, which is no part of the encoder here, and a head
    /// that need not be read: both are in the file that is written.</summary>
    [Test]
    public void Fact35_WhatNothingReads_IsSavedAgainWithTheSameBytes([Values] bool isBare, [Values] bool withHead)
    {
        string pooler = isBare ? "base_model.model.pooler.dense" : "base_model.model.roberta.pooler.dense";
        (string Key, int Rows, int Cols)[] tensors =
        [
            .. Tensors(isBare ? "" : "roberta.")
                .Append(($"{pooler}.lora_A.weight", Rank, Width)).Append(($"{pooler}.lora_B.weight", Width, Rank))
                .OrderBy(tensor => tensor.Item1, StringComparer.Ordinal),
        ];
        string config = Config.Replace("\"output.dense\"", "\"dense\"", StringComparison.Ordinal);
        PeftFixture.Write(_folder.At("hand"), config, tensors);
        using PeftFolder source = PeftFolder.Open(_folder.At("hand"), Assert.Fail);
        var warnings = new List<string>();
        ParameterSet? head = withHead ? _head.Parameters : null;
        using Lora lora = source.Attach(_encoder, warnings.Add, head);
        Assert.That(warnings, Has.One.Contains("pooler"));
        source.SaveAgain(_folder.At("again"), lora, _encoder, head);
        RequireSameBytes("again");
        _backend.Fill(0.5, lora.Parameters.All[0].Value);
        source.SaveAgain(_folder.At("moved"), lora, _encoder, head);
        using PeftFolder moved = PeftFolder.Open(_folder.At("moved"), Assert.Fail);
        Assert.That(moved.Entries.Select(entry => $"{entry}"), Is.EqualTo(source.Entries.Select(entry => $"{entry}")));
        byte[] before = Content("hand"), after = Content("moved");
        Assert.That(
            before.Zip(after).Count(pair => pair.First != pair.Second),
            Is.InRange(1, Rank * Width * sizeof(float)), "one tensor has other numbers");
    }

    /// <summary>Rank 8 on query and value alone, the least that a configuration has to say, in both forms.</summary>
    [TestCase("roberta.", "\"TOKEN_CLS\"")]
    [TestCase("", "null")]
    public void Fact36_AdapterOfQueryAndValue_Loads(string prefix, string task)
    {
        (string Key, int Rows, int Cols)[] tensors =
        [
            .. Tensors(prefix).Where(it => it.Key.Contains("query", StringComparison.Ordinal)
                    || it.Key.Contains("value", StringComparison.Ordinal)
                    || (prefix.Length > 0 && it.Key.Contains("classifier", StringComparison.Ordinal)))
                .Select(it => it.Key.Contains("lora_A", StringComparison.Ordinal) ? (it.Key, 8, it.Cols)
                    : it.Key.Contains("lora_B", StringComparison.Ordinal) ? (it.Key, it.Rows, 8) : it),
        ];
        PeftFixture.Write(
            _folder.At("least"),
            $$"""{"peft_type": "LORA", "target_modules": ["query", "value"], "task_type": {{task}}, "new_key": 1}""",
            tensors);
        var warnings = new List<string>();
        using PeftFolder folder = PeftFolder.Open(_folder.At("least"), warnings.Add);
        using Lora lora = folder.Attach(_encoder, warnings.Add, prefix.Length > 0 ? _head.Parameters : null);
        Assert.That(lora.Linears, Has.Count.EqualTo(2 * Layers));
        Assert.That(lora.Linears[0].Adapter, Has.Property("Scale").EqualTo(1f).And.Property("Rank").EqualTo(8));
        Assert.That(warnings, Has.Count.EqualTo(1).And.One.Contains("new_key"));
    }

    /// <summary>Whoever only needs the encoder is told that the head is left out.</summary>
    [Test]
    public void HeadThatNothingReads_IsLeftOutWithAWarning()
    {
        PeftFixture.Write(_folder.At("hand"), Config, Tensors("roberta."));
        using PeftFolder folder = PeftFolder.Open(_folder.At("hand"), Assert.Fail);
        var warnings = new List<string>();
        using Lora lora = folder.Attach(_encoder, warnings.Add);
        Assert.That(warnings, Has.Count.EqualTo(1).And.One.Contains("head"));
        using var other = new TokenClassifier(_backend, DType.F32, Width, Labels + 1);
        lora.Dispose();
        Assert.That(
            Assert.Throws<RunException>(() => folder.Attach(_encoder, _ => { }, other.Parameters)).Message,
            Does.Contain("classifier"));
    }

    /// <summary>A head that is asked for is never left as it was drawn.</summary>
    [Test]
    public void AdapterWithoutItsHead_IsRefusedWhereOneIsRead()
    {
        PeftFixture.Write(
            _folder.At("bare"), Config,
            [.. Tensors("roberta.").Where(it => !it.Key.Contains("classifier.bias", StringComparison.Ordinal))]);
        using PeftFolder folder = PeftFolder.Open(_folder.At("bare"), Assert.Fail);
        Assert.That(
            Assert.Throws<RunException>(() => folder.Attach(_encoder, Assert.Fail, _head.Parameters)).Message,
            Does.Contain("has no 'classifier.bias'").And.Contain("modules_to_save"));
    }

    /// <summary>In the order of the file: by name, since all are F32.</summary>
    private static (string Key, int Rows, int Cols)[] Tensors(string prefix)
    {
        var tensors = new List<(string Key, int Rows, int Cols)>
        {
            ("base_model.model.classifier.bias", Labels, 0), ("base_model.model.classifier.weight", Labels, Width),
        };
        for (int layer = 0; layer < Layers; layer++)
        {
            string stem = $"base_model.model.{prefix}encoder.layer.{layer}";
            foreach (var (module, inputs, outputs) in new[]
            {
                ("attention.self.query", Width, Width), ("attention.self.key", Width, Width),
                ("attention.self.value", Width, Width), ("attention.output.dense", Width, Width),
                ("intermediate.dense", Width, Inner), ("output.dense", Inner, Width),
            })
            {
                tensors.Add(($"{stem}.{module}.lora_A.weight", Rank, inputs));
                tensors.Add(($"{stem}.{module}.lora_B.weight", outputs, Rank));
            }
        }

        return [.. tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal)];
    }

    private void Save(string name, PeftConfig config, Lora lora, bool isBare) => PeftFolder.Save(
        _folder.At(name), config,
        [.. lora.Parameters.All.Concat(_head.Parameters.All).Select(it => (it.Name, it.Value))], _backend, isBare);

    private void RequireSameBytes(string name)
    {
        foreach (string file in new[] { "adapter_config.json", "adapter_model.safetensors" })
            Assert.That(
                File.ReadAllBytes(Path.Combine(_folder.At(name), file)),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(_folder.At("hand"), file))), $"{name} {file}");
        Assert.That(BitConverter.ToInt64(Content(name)) % 8, Is.Zero);
    }

    private byte[] Content(string name) =>
        File.ReadAllBytes(Path.Combine(_folder.At(name), "adapter_model.safetensors"));
}
