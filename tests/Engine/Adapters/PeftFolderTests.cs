using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>PEFT's folders, read and written against one that is made by hand; hostile and odd ones.</summary>
internal sealed class PeftFolderTests
{
    private TestFolder _folder = null!;         // SetUp makes these
    private Backend _backend = null!;
    private CausalModel _model = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TestFolder();
        _backend = Backends.Open("reference");
        _model = TinyModels.Create(TinyModels.Config(Architecture.Llama), _backend, DType.F32);
    }

    [TearDown]
    public void TearDown()
    {
        _model.Dispose();
        _backend.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void HandMadeFolder_LoadsEveryNumber_AndItsScale()
    {
        using Lora lora = Load();
        Assert.That(lora.Linears, Has.Count.EqualTo(4));
        Assert.That(lora.Linears, Has.All.Property("Adapter").Property("Scale").EqualTo(2.5f));
        int place = 0;
        foreach (var (key, _, _) in PeftFixture.Tensors)
            foreach (double value in TestTensors.Read(
                _backend, lora.Parameters[key["base_model.model.".Length..]].Value))
                Assert.That(value, Is.EqualTo(PeftFixture.Value(place++)), key);
    }

    [Test]
    public void Fact35_SavedAdapter_HasTheBytesOfTheHandMadeOne()
    {
        using Lora lora = Load();
        PeftFolder.Save(
            _folder.At("saved"), new PeftConfig(lora.Settings) { TaskType = "CAUSAL_LM", Base = "tiny" },
            [.. lora.Parameters.All.Select(parameter => (parameter.Name, parameter.Value))], _backend);
        RequireSameFiles("hand", "saved");
    }

    /// <summary>Spellings that we would not choose: 16.0, keys of other versions, other letters.</summary>
    [Test]
    public void Fact35_UntouchedAdapter_IsSavedWithTheSameBytes()
    {
        string config = PeftFixture.Config
            .Replace("\"lora_alpha\": 5", "\"lora_alpha\": 5.0", StringComparison.Ordinal)
            .Replace(
                "  \"exclude_modules\": null,\n  \"fan_in_fan_out\": false,\n", "  \"eva_config\": null,\n",
                StringComparison.Ordinal)
            .Replace("\"lora_dropout\": 0.0", "\"lora_dropout\": 1e-05", StringComparison.Ordinal)
            .Replace(
                "\"rank_pattern\": {}", "\"rank_pattern\": {\n    \"k_proj\": 7\n  }", StringComparison.Ordinal)
            .Replace("tiny", "t\\u00efny/\\ud83d\\ude00", StringComparison.Ordinal);
        PeftFixture.Write(_folder.At("hand"), config);
        using PeftFolder source = PeftFolder.Open(_folder.At("hand"), Assert.Fail);
        using Lora lora = source.Attach(_model, Assert.Fail);
        PeftFolder.Save(
            _folder.At("saved"), source.Config,
            [.. lora.Parameters.All.Select(parameter => (parameter.Name, parameter.Value))], _backend);
        RequireSameFiles("hand", "saved");
        source.SaveAgain(_folder.At("again"), lora, _model);
        RequireSameFiles("hand", "again");
    }

    /// <summary>A base that is the bare model, and PEFT's names in memory.</summary>
    [TestCase("base_model.model.model.", "base_model.model.")]
    [TestCase(".weight", ".default.weight")]
    [TestCase(".weight", ".german.weight")]
    public void OtherFormsOfKeys_LoadTheSameAdapter(string part, string other)
    {
        PeftFixture.Write(
            _folder.At("other"),
            tensors: [.. PeftFixture.Tensors.Select(tensor => (
                tensor.Key.Replace(part, other, StringComparison.Ordinal), tensor.Rows, tensor.Cols))]);
        double[][] expected;
        using (Lora lora = Load())
            expected = [.. lora.Parameters.All.Select(parameter => TestTensors.Read(_backend, parameter.Value))];
        using PeftFolder source = PeftFolder.Open(_folder.At("other"), Assert.Fail);
        using Lora found = source.Attach(_model, Assert.Fail);
        Assert.That(
            found.Parameters.All.Select(parameter => TestTensors.Read(_backend, parameter.Value)),
            Is.EqualTo(expected));
        source.SaveAgain(_folder.At("again"), found, _model);
        RequireSameFiles("other", "again");
    }

    [Test]
    public void Fact36_MissingKeysTakeDefaults_AndUnknownOnesOnlyWarn()
    {
        PeftFixture.Write(
            _folder.At("least"),
            """{"peft_type": "LORA", "target_modules": ["q_proj", "v_proj"], "colour": "red", "use_other": false}""",
            [.. PeftFixture.Tensors.Select(tensor => tensor.Rows == 2
                ? (tensor.Key, 8, tensor.Cols) : (tensor.Key, tensor.Rows, 8))]);
        var warnings = new List<string>();
        using PeftFolder folder = PeftFolder.Open(_folder.At("least"), warnings.Add);
        using Lora lora = folder.Attach(_model, warnings.Add);
        Assert.That(lora.Settings.Alpha, Is.EqualTo(8));
        Assert.That(lora.Settings.Dropout, Is.Zero);
        Assert.That(lora.Linears[0].Adapter, Has.Property("Scale").EqualTo(1f).And.Property("Rank").EqualTo(8));
        Assert.That(warnings, Has.Count.EqualTo(1));
        Assert.That(warnings[0], Does.Contain("colour").And.Not.Contain("use_other"));
    }

    /// <summary>The keys that PEFT 0.20 writes beside those of the fixture, at their defaults.</summary>
    [Test]
    public void Fact36_KeysOfPeftsOwnFiles_AreReadWithoutAWarning_AndSavedAsTheyWere()
    {
        const string More = """
            {
              "alora_invocation_tokens": null, "arrow_config": null, "corda_config": null,
              "ensure_weight_tying": false, "eva_config": null, "layer_replication": null, "loftq_config": {},
              "lora_bias": false, "lora_ga_config": null, "megatron_config": null, "megatron_core": "megatron.core",
              "monteclora_config": null, "peft_version": "0.20.0", "qalora_group_size": 16,
              "target_parameters": null, "trainable_token_indices": null, "use_bdlora": null, "use_qalora": false,
              "velora_config": null
            }
            """;
        var config = (JsonObject)JsonNode.Parse(PeftFixture.Config)!;       // an object
        foreach (var (key, value) in (JsonObject)JsonNode.Parse(More)!)     // another
            config[key] = value?.DeepClone();
        var sorted = new JsonObject(config.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(
            entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())));
        PeftFixture.Write(
            _folder.At("hand"),
            sorted.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }));
        using PeftFolder source = PeftFolder.Open(_folder.At("hand"), Assert.Fail);
        using Lora lora = source.Attach(_model, Assert.Fail);
        source.SaveAgain(_folder.At("again"), lora, _model);
        RequireSameFiles("hand", "again");
    }

    private static IEnumerable<string> Mathematics => PeftUnsupported.Mathematics;

    private static IEnumerable<string> BaseChangingStarts => PeftUnsupported.BaseChangingStarts;

    [TestCaseSource(nameof(Mathematics))]
    public void Fault_M9_KeyThatChangesTheMathematics_IsRefused(string key) => RequireRefused(key, true, key);

    [TestCaseSource(nameof(BaseChangingStarts))]
    public void Fault_M9_StartThatChangesTheBase_IsRefused(string start) =>
        RequireRefused("init_lora_weights", $"{start}_niter_4", "init_lora_weights");

    [TestCase("\"lora_dropout\": 0.0", "\"lora_dropout\": 1.5", "dropout")]
    [TestCase("\"lora_alpha\": 5", "\"lora_alpha\": 1e300", "alpha")]
    [TestCase("\"alpha_pattern\": {}", "\"alpha_pattern\": {\"q_proj\": 1e39}", "alpha")]
    [TestCase("\"layers_pattern\": null", "\"layers_pattern\": \"layers\"", "layers_pattern")]
    [TestCase("\"rank_pattern\": {}", "\"rank_pattern\": {\"q_(\": 3}", "regular expression")]
    [TestCase("\"bias\": \"none\"", "\"bias\": \"all\"", "bias")]
    [TestCase("\"LORA\"", "\"IA3\"", "peft_type")]
    [TestCase("\"r\": 2", "\"r\": 0", "r is 0")]
    [TestCase("\"r\": 2", "\"r\": 2.5", "r is 2.5")]
    [TestCase("\"lora_alpha\": 5", "\"lora_alpha\": \"5\"", "lora_alpha")]
    [TestCase("\"rank_pattern\": {}", "\"rank_pattern\": []", "rank_pattern")]
    [TestCase("\"q_proj\",", "3,", "target_modules")]
    public void Fault_M9_ConfigThatIsNotKnown_IsRefused(string part, string other, string word)
    {
        PeftFixture.Write(
            _folder.At("bad"), PeftFixture.Config.Replace(part, other, StringComparison.Ordinal));
        var refused = Assert.Throws<RunException>(() => PeftFolder.Open(_folder.At("bad"), _ => { }));
        Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.Contain(word).And.Contain("adapter_config.json"));
    }

    private void RequireRefused(string key, JsonNode value, string word)
    {
        var config = (JsonObject)JsonNode.Parse(PeftFixture.Config)!;       // an object
        config[key] = value;
        PeftFixture.Write(_folder.At("bad"), config.ToJsonString());
        var refused = Assert.Throws<RunException>(() => PeftFolder.Open(_folder.At("bad"), _ => { }));
        Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.Contain(word).And.Contain("adapter_config.json"));
    }

    [Test]
    public void PatternWithTooManyEntries_IsRefused()
    {
        string entries = string.Join(',', Enumerable.Range(0, 10_001).Select(i => $"\"layer{i}\":1"));
        PeftFixture.Write(_folder.At("bad"), PeftFixture.Config.Replace(
            "\"rank_pattern\": {}", $"\"rank_pattern\": {{{entries}}}", StringComparison.Ordinal));
        Assert.That(
            Assert.Throws<RunException>(() => PeftFolder.Open(_folder.At("bad"), _ => { })).Message,
            Does.Contain("rank_pattern").And.Contain("10000"));
    }

    /// <summary>The head is the embedding here, so that it would change with it.</summary>
    [Test]
    public void EmbeddingStoredWhole_OfATiedModel_IsRefused()
    {
        PeftFixture.Write(
            _folder.At("tied"),
            PeftFixture.Config.Replace(
                "\"modules_to_save\": null", "\"modules_to_save\": [\n    \"embed_tokens\"\n  ]",
                StringComparison.Ordinal),
            [.. PeftFixture.Tensors, ("base_model.model.model.embed_tokens.weight", 13, 12)]);
        double[] before = TestTensors.Read(_backend, _model.Head.Value);
        var refused = Assert.Throws<RunException>(() => Load("tied"));
        Assert.That(refused.Message, Does.Contain("embed_tokens").And.Contain("Merge"));
        Assert.That(TestTensors.Read(_backend, _model.Head.Value), Is.EqualTo(before));
        Assert.That(_model.Linears, Has.All.Property("Adapter").Null);
    }

    [TestCase("true")]
    [TestCase("false")]
    [TestCase("\"gaussian\"")]
    [TestCase("\"eva\"")]
    public void StartsThatLeaveTheBaseAlone_AreFine(string start)
    {
        PeftFixture.Write(_folder.At("hand"), PeftFixture.Config.Replace(
            "\"init_lora_weights\": true", $"\"init_lora_weights\": {start}", StringComparison.Ordinal));
        Assert.That(() => PeftFolder.Open(_folder.At("hand"), Assert.Fail).Dispose(), Throws.Nothing);
    }

    [Test]
    public void Fact37_TensorsThatDoNotFit_AreRefusedByName()
    {
        (string Key, int Rows, int Cols)[] all = [.. PeftFixture.Tensors];
        string key = all[3].Key, stem = key[..^"lora_B.weight".Length];
        Refused("a wrong shape", [.. all[..3], (key, 13, 2), .. all[4..]], key);
        Refused("another rank than the configuration's", [.. all[..3], (key, 12, 3), .. all[4..]], key);
        Refused("one of a pair", [.. all[..3], .. all[4..]], key);
        Refused("a pair that is missing", [.. all[..2], .. all[4..]], $"{stem}lora_A.weight");
        string other = key.Replace("v_proj", "k_proj", StringComparison.Ordinal);
        string otherA = other.Replace("lora_B", "lora_A", StringComparison.Ordinal);
        Refused("a target that is not selected", [.. all, (otherA, 2, 12), (other, 12, 2)], otherA);
        Refused("a layer that is not there",
            [.. all.Select(tensor => (tensor.Key.Replace(".1.", ".7.", StringComparison.Ordinal), tensor.Rows,
                tensor.Cols))], "layers.7.");
        Refused("no key of PEFT's", [.. all, ("lm_head.weight", 1, 1)], "lm_head.weight");
        Refused("stored whole without being named", [.. all, ("base_model.model.model.norm.weight", 1, 12)],
            "model.norm.weight");
        Refused("another kind", [.. all, ($"{stem}lora_magnitude_vector", 1, 12)], "lora_magnitude_vector");

        void Refused(string what, (string Key, int Rows, int Cols)[] tensors, string name)
        {
            PeftFixture.Write(_folder.At("bad"), tensors: tensors);
            var refused = Assert.Throws<RunException>(() => Load("bad"), what);
            Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile), what);
            Assert.That(refused.Message, Does.Contain(name), what);
            Assert.That(_model.Linears, Has.All.Property("Adapter").Null, what);
        }
    }

    [Test]
    public void Fact37_TruncatedOrNonFiniteFile_IsRefused()
    {
        PeftFixture.Write(_folder.At("bad"));
        string path = Path.Combine(_folder.At("bad"), "adapter_model.safetensors");
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..^4]);
        Assert.That(Assert.Throws<RunException>(() => Load("bad")).Message,
            Does.Contain(nameof(SafeTensorsFault.IncompleteBuffer)).And.Contain(PeftFixture.Tensors[^1].Key));
        File.WriteAllBytes(path, [.. whole[..^4], 0, 0, 0xC0, 0x7F]);
        Assert.That(Assert.Throws<RunException>(() => Load("bad")).Message,
            Does.Contain(PeftFixture.Tensors[^1].Key).And.Contain("not finite"));
    }

    [Test]
    public void Pickle_IsRefused_WithWhatToDo()
    {
        Directory.CreateDirectory(_folder.At("old"));
        File.WriteAllText(Path.Combine(_folder.At("old"), "adapter_config.json"), PeftFixture.Config);
        File.WriteAllText(Path.Combine(_folder.At("old"), "adapter_model.bin"), "");
        var refused = Assert.Throws<RunException>(() => PeftFolder.Open(_folder.At("old"), _ => { }));
        Assert.That(refused.Message, Does.Contain("pickle").And.Contain("safetensors"));
    }

    [Test]
    public void NamedAdapter_LiesInAFolderOfItsName()
    {
        PeftFixture.Write(Path.Combine(_folder.At("many"), "german"));
        PeftFolder.Open(_folder.At("many"), Assert.Fail, "german").Dispose();
        var refused = Assert.Throws<RunException>(() => PeftFolder.Open(_folder.At("many"), _ => { }));
        Assert.That(refused.Message, Does.Contain("german"));
        Assert.That(
            Assert.Throws<RunException>(() => PeftFolder.Open(_folder.At("many"), _ => { }, "../many/german")).Code,
            Is.EqualTo(ExitCode.Usage));
    }

    [Test]
    public void ModulesStoredWhole_GoIntoTheModelsParameters()
    {
        using CausalModel untied = TinyModels.Create(
            TinyModels.Config(Architecture.Llama, tied: false), _backend, DType.F32);
        PeftFixture.Write(
            _folder.At("head"),
            PeftFixture.Config.Replace(
                "\"modules_to_save\": null", "\"modules_to_save\": [\n    \"lm_head\"\n  ]", StringComparison.Ordinal),
            [("base_model.model.lm_head.modules_to_save.default.weight", 13, 12), .. PeftFixture.Tensors]);
        using PeftFolder folder = PeftFolder.Open(_folder.At("head"), Assert.Fail);
        using Lora lora = folder.Attach(untied, Assert.Fail);
        Assert.That(
            TestTensors.Read(_backend, untied.Head.Value),
            Is.EqualTo(Enumerable.Range(0, 13 * 12).Select(i => (double)PeftFixture.Value(i))));
    }

    private Lora Load(string name = "hand")
    {
        if (name == "hand")
            PeftFixture.Write(_folder.At("hand"));
        using PeftFolder folder = PeftFolder.Open(_folder.At(name), Assert.Fail);
        return folder.Attach(_model, Assert.Fail);
    }

    private void RequireSameFiles(string expected, string found)
    {
        foreach (string path in Directory.GetFiles(_folder.At(expected)))
            Assert.That(
                File.ReadAllBytes(Path.Combine(_folder.At(found), Path.GetFileName(path))),
                Is.EqualTo(File.ReadAllBytes(path)), path);
        Assert.That(Directory.GetFiles(_folder.At(found)), Has.Length.EqualTo(2));
    }
}
