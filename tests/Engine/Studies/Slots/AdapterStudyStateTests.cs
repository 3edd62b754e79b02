using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>What a state starts from, what it stores, and when it is made once more.</summary>
[Category("slow")]
public sealed class AdapterStudyStateTests
{
    private TinyAdapterStudy _study = null!;

    [SetUp]
    public void CreateStudy() => _study = new TinyAdapterStudy();

    [TearDown]
    public void RemoveStudy() => _study.Dispose();

    /// <summary>The order that is added needs models that were dropped, and those need others that were.</summary>
    [TestCase("{a: [en-US, de-DE]}", "{b: [en-US, de-DE, th-TH]}")]
    [TestCase("{a: [en-US]}", "{b: [en-US, de-DE, th-TH]}")]
    public void AnOrder_CanBeAdded_AfterModelsAreDropped(string first, string added)
    {
        string[] settings = ["strategies=[vanilla]", "keep=none"];
        _study.Run("grown", [.. settings, $"orders=[{first}]"]);
        Assert.That(Directory.Exists(_study.At("grown/seed-1/mono/en-US/model")), Is.False, "it is dropped");
        AdapterStudyResults grown = _study.Run("grown", [.. settings, $"orders=[{first}, {added}]"]);
        AdapterStudyResults whole = _study.Run("whole", [.. settings, $"orders=[{first}, {added}]"]);
        Assert.That(AdapterResultsFile.ToText(grown), Is.EqualTo(AdapterResultsFile.ToText(whole)));
        Assert.That(_study.Weights("grown"), Is.Empty);
    }

    /// <summary>A step of 1e-30 changes no bit of what a fresh adapter starts with.</summary>
    [Test]
    public void FreshAdapters_DifferByLocale_AndHaveEqualHeads()
    {
        _study.Run("out", "training.lora_learning_rate=1e-30");
        Dictionary<string, float[]>[] adapters = [.. TinyAdapterStudy.Locales.Select(
            locale => Tensors(_study.At($"out/seed-1/rank-4/non_shared/{locale}/adapter"), "adapter_model"))];
        string a = adapters[0].Keys.First(key => key.EndsWith("lora_A.weight", StringComparison.Ordinal));
        Assert.That(adapters.Select(one => string.Join(' ', one[a])), Is.Unique);
        string head = adapters[0].Keys.Single(key => key.EndsWith("classifier.weight", StringComparison.Ordinal));
        Assert.That(adapters[1][head], Is.EqualTo(adapters[0][head]));
    }

    [TestCase("vanilla", "seed-1/vanilla/given/02-de-DE/model", "model")]
    [TestCase("vanilla", "seed-1/vanilla/given/02-de-DE/model", "head")]
    [TestCase("shared", "seed-1/rank-4/shared/given/02-de-DE/adapter", "adapter_model")]
    [TestCase("shared", "seed-1/rank-4/shared/given/02-de-DE/adapter", "adapter_model", "bottleneck")]
    [TestCase("shared", "seed-1/rank-4/shared/given/02-de-DE/adapter", "adapter_model", "prefix")]
    public void Bf16_GoesOnFromMasters_AndStoresThem(
        string strategy, string folder, string file, string kind = "lora")
    {
        // Steps of 1e-6 are far below half a BF16 unit of nearly every weight: rounded states would not move.
        string[] settings =
        [
            $"strategies=[{strategy}]", $"adapter={kind}", "precision=bf16", "keep=all", "training.learning_rate=1e-6",
            "training.lora_learning_rate=1e-6",
        ];
        _study.Run("out", settings);
        string before = strategy == "vanilla" ? "seed-1/mono/en-US/model"
            : "seed-1/rank-4/non_shared/en-US/adapter";
        Dictionary<string, float[]> first = Tensors(_study.At($"out/{before}"), file);
        Dictionary<string, float[]> second = Tensors(_study.At($"out/{folder}"), file);
        string name = first.Keys.First(key => kind switch
        {
            "bottleneck" => key.EndsWith("adapter_down.weight", StringComparison.Ordinal),
            "prefix" => key == "prompt_embeddings",
            _ => key.EndsWith("weight", StringComparison.Ordinal)
                && (file == "adapter_model" ? key.Contains("lora_A") : !key.Contains("Norm")),
        });
        Assert.That(
            first[name].Count(value => (BitConverter.SingleToUInt32Bits(value) & 0xFFFF) != 0),
            Is.GreaterThan(first[name].Length / 2), "stored unrounded");
        double farthest = first[name].Zip(second[name], (one, two) => Math.Abs(one - two)).Max();
        Assert.That(second[name], Is.Not.EqualTo(first[name]));
        // 24 steps of Adam sum to less than this; rounding to BF16 and back would add up to 5e-4.
        Assert.That(farthest, Is.LessThan(5e-5));
    }

    [Test]
    public void MonoSeeds_AreTheirOwn_WhateverSeedsAreGiven()
    {
        AdapterStudyConfig config = _study.Config(
            "strategies=[mono]", "mono_seeds=[2, 3]", "init_seed=7", "data_seed=8");
        Assert.That(config.InitSeedOf(1), Is.EqualTo(7));
        Assert.That(config.DataSeedOf(1), Is.EqualTo(8));
        Assert.That((config.InitSeedOf(2), config.DataSeedOf(3)), Is.EqualTo((2ul, 3ul)));
        Assert.That(
            () => _study.Config("seeds=[1, 2]", "init_seed=7", "data_seed=8"),
            Throws.TypeOf<RunException>().With.Message.Contains("the same run"));
    }

    private static Dictionary<string, float[]> Tensors(string folder, string baseName)
    {
        using TensorFolder stored = TensorFolder.Open(folder, _ => { }, baseName);
        return stored.Entries.ToDictionary(entry => entry.Name, entry =>
        {
            Assert.That($"{entry.Type}", Is.EqualTo("F32"));
            var values = new float[entry.Shape.Aggregate(1L, (count, size) => count * size)];
            stored.Read(entry.Name, 0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        });
    }
}
