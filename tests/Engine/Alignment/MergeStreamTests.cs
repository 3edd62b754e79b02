using System.Text.Json;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Alignment;

/// <summary>Merges of more pieces than are read ahead: bits, hashes, and what goes wrong on the way.</summary>
public sealed class MergeStreamTests
{
    private const int PiecesOfEmbedding = 5;

    private TinyModels _models = null!;

    [SetUp]
    public void CreateModels() => _models = new TinyModels();

    [TearDown]
    public void RemoveModels() => _models.Dispose();

    [TestCase(DType.F32)]
    [TestCase(DType.BF16)]
    [TestCase(DType.F16)]
    public void Soup_HasTheBitsOfTheScalarLine(DType type)
    {
        MergeInput[] experts = Experts(type, 3);
        Soup.Run(experts, _models.Output("soup"));
        Dictionary<string, byte[]>[] inputs = [.. experts.Select(expert => _models.Tensors(expert.Id))];
        foreach (var (name, bytes) in _models.Tensors("soup"))
        {
            var sums = new double[bytes.Length / type.Size()];
            sums.AsSpan().Fill(-0.0);
            foreach (Dictionary<string, byte[]> input in inputs)
                StoredNumbers.Add(type, input[name], 1, sums);
            var expected = new byte[bytes.Length];
            StoredNumbers.Round(type, sums, inputs.Length, expected);
            Assert.That(bytes.AsSpan().SequenceEqual(expected), Is.True, name);
        }
    }

    [Test]
    public void Manifest_HasTheHashOfEveryFileOfEveryInput()
    {
        _models.Create("trained", 1, shape: Long);
        _models.Create("base", 2, shape: Long, maxShardBytes: 1 << 16);
        File.WriteAllBytes(_models.At("base/adapter.safetensors"), [1, 2, 3]);
        // The base gives its middle layers alone: the rest of its files only passes through the hash.
        Revert.Run(_models.Input("trained"), _models.Input("base"), LayerGroups.Of(TinyModels.Layers),
            _models.Output("out"));
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(_models.At("out/merge.json")));
        foreach (JsonElement input in manifest.RootElement.GetProperty("inputs").EnumerateArray())
        {
            string folder = _models.At(input.GetProperty("id").GetString()!);       // not null: the manifest is ours
            var hashes = input.GetProperty("sha256").EnumerateObject().ToDictionary(
                pair => pair.Name, pair => pair.Value.GetString());
            Assert.That(hashes, Is.EqualTo(Directory.GetFiles(folder, "*.safetensors").ToDictionary(
                path => Path.GetFileName(path), path => FileHash.Of(path))));
        }
    }

    [Test]
    public void Manifest_OfFilesThatAreAsTheyWere_HasTheRememberedHashes()
    {
        MergeInput[] experts = Settled(Experts(DType.F32, 2));
        Soup.Run(experts, _models.Output("first"));
        string memory = _models.At("hashes.json"), known = File.ReadAllText(memory);
        string hash = FileHash.Of(_models.At("expert1/model.safetensors")), other = new('0', hash.Length);
        Assert.That(known, Does.Contain(hash));
        File.WriteAllText(memory, known.Replace(hash, other));
        Soup.Run(experts, _models.Output("second"));
        Assert.That(File.ReadAllText(_models.At("second/merge.json")), Does.Contain(other), "it was not read");
        File.SetLastWriteTimeUtc(_models.At("expert1/model.safetensors"), DateTime.UtcNow.AddHours(-2));
        Soup.Run(experts, _models.Output("third"));
        Assert.That(File.ReadAllBytes(_models.At("third/merge.json")),
            Is.EqualTo(File.ReadAllBytes(_models.At("first/merge.json"))));
        Assert.That(File.ReadAllBytes(_models.At("third/model.safetensors")),
            Is.EqualTo(File.ReadAllBytes(_models.At("first/model.safetensors"))));
    }

    [TestCase("first/", false)]
    [TestCase("first", false)]
    [TestCase("first/", true)]
    public void Hashes_AreKeptBesideTheNewFolder_HoweverItIsWritten(string folder, bool replace)
    {
        MergeInput[] experts = Settled(Experts(DType.F32, 2));
        if (replace)
            Directory.CreateDirectory(_models.At(folder));
        Soup.Run(experts, new MergeOutput(_models.At(folder), replace));
        Assert.That(File.ReadAllText(_models.At("hashes.json")),
            Does.Contain(FileHash.Of(_models.At("expert1/model.safetensors"))));
        Assert.That(File.Exists(_models.At("first/hashes.json")), Is.False);
    }

    [Test]
    public void Merge_OfAFileThatChangesMeanwhile_DoesNotNameTheHashItHad()
    {
        MergeInput[] experts = Settled(Experts(DType.F32, 2));
        Soup.Run(experts, _models.Output("first"));
        MergeOutput output = _models.Output("out") with
        {
            Progress = (_, _) =>
            {
                using FileStream file = File.OpenWrite(_models.At("expert1/model.safetensors"));
                file.Position = file.Length - 1;
                file.WriteByte(1);
            },
        };
        RunException error = Assert.Throws<RunException>(() => Soup.Run(experts, output))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.Contain("expert1").And.Contain("changed while it was read"));
        Assert.That(Directory.Exists(_models.At("out")), Is.False);
    }

    [Test]
    public void Merge_StoppedAfterAFewPieces_LeavesNothing()
    {
        MergeInput[] experts = Experts(DType.F32, 2);
        int polls = 0;
        StopSignal? signal = null;
        using StopSignal stop = signal = new StopSignal(null, _ => { })
        {
            OnPoll = () =>
            {
                if (++polls == 3)
                    signal!.RequestStop("SIGTERM");         // not null: polled by the merge below
            },
        };
        AssertFails(experts, _models.Output("out") with { Stop = stop }, ExitCode.Terminated, "");
        Assert.That(polls, Is.GreaterThanOrEqualTo(3));
    }

    [Test]
    public void Merge_OfAFileThatIsShortenedMeanwhile_IsRefused()
    {
        MergeInput[] experts = Experts(DType.F32, 2);
        MergeOutput output = _models.Output("out") with
        {
            Progress = (done, total) =>
            {
                using FileStream file = File.OpenWrite(_models.At("expert1/model.safetensors"));
                file.SetLength(Math.Min(file.Length, 4096));
            },
        };
        AssertFails(experts, output, ExitCode.ModelFile, "expert1");
    }

    [Test]
    public void Merge_OntoAFullDisk_LeavesNothing([Values] bool laterPiece)
    {
        const int NoSpace = 28;
        int writes = 0;
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                if (step == FileStep.Write && path.Contains("safetensors", StringComparison.Ordinal)
                    && ++writes == (laterPiece ? 3 : 1))
                    throw new IOException($"{path}: injected error {NoSpace}.", NoSpace);
            },
        };
        AssertFails(Experts(DType.F32, 2), _models.Output("out") with { FileSystem = files }, ExitCode.Resources,
            "injected error 28");
    }

    private void AssertFails(MergeInput[] experts, MergeOutput output, ExitCode code, string reason)
    {
        RunException error = Assert.Throws<RunException>(() => Soup.Run(experts, output))!;
        Assert.That(error.Code, Is.EqualTo(code));
        Assert.That(error.Message, Does.Contain(reason));
        Assert.That(Directory.GetFileSystemEntries(_models.At(".")).Select(path => Path.GetFileName(path)),
            Is.EquivalentTo(experts.Select(expert => expert.Id)));
    }

    /// <summary>The same, of files that have not just changed, so that their hashes are remembered.</summary>
    private MergeInput[] Settled(MergeInput[] experts)
    {
        foreach (MergeInput expert in experts)
            File.SetLastWriteTimeUtc(_models.At($"{expert.Id}/model.safetensors"), DateTime.UtcNow.AddHours(-1));
        return experts;
    }

    private MergeInput[] Experts(DType type, int count) =>
        [.. Enumerable.Range(0, count).Select(i => _models.Create($"expert{i}", i + 1, type, shape: Long))];

    /// <summary>An embedding of several pieces, the last of which is ragged.</summary>
    private static IReadOnlyList<long> Long(string name) =>
        name.Contains("embed", StringComparison.Ordinal)
            ? [PiecesOfEmbedding, Piece.MostBytes / sizeof(float) + 3]
            : [7];
}
