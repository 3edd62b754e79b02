using System.Text.Json;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Alignment;

public sealed class MergeTests
{
    private static readonly LayerGroups Groups = LayerGroups.Of(TinyModels.Layers);

    private TinyModels _models = null!;

    [SetUp]
    public void CreateModels()
    {
        _models = new TinyModels();
        _models.Create("base", 1);
    }

    [TearDown]
    public void RemoveModels() => _models.Dispose();

    [Test]
    public void Fact13_OtherNames_AreRefused()
    {
        _models.Create("fewer", 2, names: [.. TinyModels.Names.Skip(1)]);
        _models.Create("more", 2, names: [.. TinyModels.Names, "lm_head.weight"]);
        AssertRefused("fewer", "'model.embed_tokens.weight'");
        AssertRefused("more", "'lm_head.weight'");
    }

    [Test]
    public void Fact13_OtherShapes_AreRefused()
    {
        _models.Create("wider", 2, shape: _ => [3, 7]);
        _models.Create("flatter", 2, shape: name =>
            name.Contains("embed", StringComparison.Ordinal) ? [231]
            : name.Contains("norm", StringComparison.Ordinal) ? [7]
            : [5, 7]);
        AssertRefused("wider", "[3, 7]");
        AssertRefused("flatter", "[231]");
    }

    [Test]
    public void Fault_M10_OtherTypesTokenizersOrConfigurations_AreRefused()
    {
        _models.Create("precise", 2, DType.F32);
        _models.Create("foreign", 2, tokenizer: "{\"other\": 1}");
        _models.Create("longer", 2, config: "{\"model_type\": \"tiny\", \"rope_theta\": 5}");
        AssertRefused("precise", "F32");
        AssertRefused("foreign", "tokenizer.json is another one");
        AssertRefused("longer", "config.json differs in rope_theta");
        File.Delete(_models.At("longer/config.json"));
        AssertRefused("longer", "config.json is missing");
        File.Delete(_models.At("foreign/tokenizer.json"));
        AssertRefused("foreign", "tokenizer.json is another one or missing");
    }

    [Test]
    public void Merge_LooksAtWhatConfigurationsMean()
    {
        const string Tail = ", \"hidden_size\": 8, \"num_hidden_layers\": 6, \"num_attention_heads\": 2, "
            + "\"intermediate_size\": 8, \"vocab_size\": 33, \"rms_norm_eps\": 1e-6, ";
        _models.Create("old", 2, config: "{\"model_type\": \"llama\"" + Tail + "\"rope_theta\": 10000.0}");
        _models.Create("new", 3, config: "{\"model_type\": \"llama\", \"use_cache\": false" + Tail
            + "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 10000.0}}");
        _models.Create("other", 3, config: "{\"model_type\": \"llama\"" + Tail + "\"rope_theta\": 500000.0}");
        Soup.Run([_models.Input("old"), _models.Input("new")], _models.Output("soup"));
        Assert.That(Directory.Exists(_models.At("soup")), Is.True);
        Assert.That(() => Soup.Run([_models.Input("old"), _models.Input("other")], _models.Output("no")),
            Throws.TypeOf<RunException>().With.Message.Contains("config.json differs in rope_theta"));
    }

    [Test]
    public void Merge_TakesTheTextPartOfAMultimodalBase()
    {
        const string Text = "\"hidden_size\": 8, \"num_hidden_layers\": 6, \"num_attention_heads\": 2, "
            + "\"num_key_value_heads\": 1, \"head_dim\": 4, \"intermediate_size\": 8, \"vocab_size\": 33}";
        string[] names = [.. TinyModels.Names.Select(name => "language_model." + name), "vision_tower.layers.0.weight"];
        _models.Create("both", 1, names: names,
            config: "{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": \"gemma3_text\", " + Text + "}");
        _models.Create("trained", 2, config: "{\"model_type\": \"gemma3_text\", " + Text);
        Revert.Run(_models.Input("trained"), _models.Input("both"), Groups, _models.Output("out"));
        _models.AssertCopies("out", name => LayerGroups.LayerOf(name) is >= 2 and < 5 ? "base" : "trained");
        Assert.That(() => Revert.Run(_models.Input("both"), _models.Input("trained"), Groups, _models.Output("no")),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.ModelFile));
    }

    [Test]
    public void Merge_CopiesOtherFilesAndWritesAManifest()
    {
        _models.Create("trained", 2);
        File.WriteAllText(_models.At("trained/README.md"), "about");
        Interpolate.Run(_models.Input("trained"), _models.Input("base"), new LayerSelection(Groups.Middle), 0.5,
            _models.Output("out"), Groups);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(_models.At("out/merge.json")));
        JsonElement root = manifest.RootElement, parameters = root.GetProperty("parameters");
        JsonElement input = root.GetProperty("inputs")[1];
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(_models.At("out/README.md")), Is.EqualTo("about"));
            Assert.That(File.Exists(_models.At("out/tokenizer.json")), Is.True);
            Assert.That(root.GetProperty("operation").GetString(), Is.EqualTo("interpolate"));
            Assert.That(root.GetProperty("fastcpt").GetString(), Is.EqualTo(ToolVersion.Text));
            Assert.That(parameters.GetProperty("alpha").GetDouble(), Is.EqualTo(0.5));
            Assert.That(parameters.GetProperty("first_layers").GetInt32(), Is.EqualTo(2));
            Assert.That(parameters.GetProperty("last_layers").GetInt32(), Is.EqualTo(1));
            Assert.That(parameters.GetProperty("layers").GetInt32(), Is.EqualTo(6));
            Assert.That(parameters.GetProperty("selection").GetProperty("end").GetInt32(), Is.EqualTo(5));
            Assert.That(input.GetProperty("role").GetString(), Is.EqualTo("base"));
            Assert.That(input.GetProperty("sha256").GetProperty("model.safetensors").GetString(),
                Is.EqualTo(FileHash.Of(_models.At("base/model.safetensors"))));
        });
    }

    [Test]
    public void Merge_ReadsShardsAndTensorsLongerThanAPiece()
    {
        static IReadOnlyList<long> Long(string name) =>
            name.Contains("embed", StringComparison.Ordinal) ? [3, 1 << 17] : [3];
        _models.Create("single", 1, shape: Long);
        _models.Create("sharded", 2, shape: Long, maxShardBytes: 1 << 16);
        Soup.Run([_models.Input("single"), _models.Input("sharded")], _models.Output("soup"));
        string name = TinyModels.Names[0];
        double[] expected = [.. _models.Values("single", name).Zip(_models.Values("sharded", name),
            (a, b) => (double)Bf16.ToSingle(Bf16.FromDouble((a + b) / 2)))];
        Assert.That(_models.Values("soup", name), Is.EqualTo(expected));
    }

    [Test]
    public void Merge_CopiesNumbersThatAreNotFloatingFromTheFirst()
    {
        _models.Create("integers", 1, DType.I32);
        _models.Create("others", 2, DType.I32);
        Soup.Run([_models.Input("integers"), _models.Input("others")], _models.Output("soup"));
        _models.AssertCopies("soup", _ => "integers");
        _models.Create("anchor", 3, DType.I32);
        Soup.Run([_models.Input("integers"), _models.Input("others")], _models.Input("anchor"), LayerSelection.All, 0.5,
            _models.Output("drawn"));
        _models.AssertCopies("drawn", _ => "integers");
        _models.Create("doubles", 1, DType.F64);
        _models.Create("moredoubles", 2, DType.F64);
        Assert.That(() => Soup.Run([_models.Input("doubles"), _models.Input("moredoubles")], _models.Output("no")),
            Throws.TypeOf<RunException>().With.Message.Contains("cannot be summed"));
    }

    [Test]
    public void Merge_NeverWritesOverAnythingUnasked()
    {
        _models.Create("trained", 2);
        _models.Create("there", 3);
        Assert.That(() => Run("there"), Throws.TypeOf<RunException>().With.Message.Contains("exists already"));
        Assert.That(() => Run("base"), Throws.TypeOf<RunException>().With.Message.Contains("an input of the merge"));
        Run("there", replace: true);
        _models.AssertCopies("there", name => LayerGroups.LayerOf(name) is >= 2 and < 5 ? "base" : "trained");
    }

    [Test]
    public void Merge_ThatIsStopped_LeavesNothing()
    {
        _models.Create("trained", 2);
        using var stop = new StopSignal(null, _ => { });
        stop.RequestStop("SIGTERM");
        MergeOutput output = _models.Output("out") with { Stop = stop };
        Assert.That(() => Revert.Run(_models.Input("trained"), _models.Input("base"), Groups, output),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Terminated));
        Assert.That(Directory.GetFileSystemEntries(_models.At(".")).Select(path => Path.GetFileName(path)),
            Is.EquivalentTo(new[] { "base", "trained" }));
    }

    private void AssertRefused(string name, string reason)
    {
        foreach (var (trained, source) in new[] { (name, "base"), ("base", name) })
        {
            RunException error = Assert.Throws<RunException>(() => Revert.Run(
                _models.Input(trained), _models.Input(source), Groups, _models.Output("out")))!;
            Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
            Assert.That(error.Message, Does.Contain(reason));
            Assert.That(Directory.Exists(_models.At("out")), Is.False);
        }
    }

    private void Run(string output, bool replace = false) => Revert.Run(
        _models.Input("trained"), _models.Input("base"), Groups, new MergeOutput(_models.At(output), replace));
}
