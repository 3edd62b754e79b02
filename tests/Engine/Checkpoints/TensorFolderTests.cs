using System.Diagnostics;
using System.Text;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

public sealed class TensorFolderTests
{
    private static readonly TensorEntry[] Entries =
    [
        new("embed.weight", DType.BF16, [6, 4]), new("a.weight", DType.F32, [3, 4]), new("b.weight", DType.F32, [2, 4]),
        new("steps", DType.I64, []), new("head.weight", DType.BF16, [6, 4]),
    ];

    private static readonly string[] HostileNames =
    [
        "../x.safetensors", "/etc/x.safetensors", "a/../../x.safetensors", "a\\\\..\\\\x.safetensors",
        "C:\\\\x.safetensors", "C:x.safetensors", "x\\u0000.safetensors", "", ".", "..", ".safetensors", "x.bin",
        "x.safetensors/", "./x.safetensors", "x.SAFETENSORS", "é.safetensors", "x .safetensors",
        "x.safetensors\\n", "~/x.safetensors",
    ];

    [TestCase(long.MaxValue, 1)]
    [TestCase(100, 2)]
    [TestCase(1, 5)]
    public void TensorFolder_ReadsWhatItsWriterWrote(long maxShardBytes, int shardCount)
    {
        using var folder = new TestFolder();
        string path = Write(folder.At("model"), maxShardBytes);
        Assert.That(Directory.GetFiles(path, "*.safetensors"), Has.Length.EqualTo(shardCount));
        Assert.That(File.Exists(Path.Combine(path, "model.safetensors.index.json")), Is.EqualTo(shardCount > 1));

        using TensorFolder read = TensorFolder.Open(path, Fail);
        Assert.That(read.Entries.Select(e => e.ToString()), Is.EquivalentTo(Entries.Select(e => e.ToString())));
        Assert.That(read.TotalBytes, Is.EqualTo(Entries.Sum(e => e.ByteCount)));
        foreach (TensorEntry entry in Entries)
        {
            var bytes = new byte[entry.ByteCount];
            read.Read(entry.Name, bytes);
            Assert.That(bytes, Is.EqualTo(Content(entry)));
            var last = new byte[1];
            read.Read(entry.Name, entry.ByteCount - 1, last);
            Assert.That(last[0], Is.EqualTo(bytes[^1]));
        }
        Assert.That(read.Find("none"), Is.Null);
        Assert.That(() => read.Read("none", new byte[1]), Throws.ArgumentException);
    }

    [Test]
    public void TensorFolderWriter_NamesShardsAndWritesTheIndexAsPublished()
    {
        using var folder = new TestFolder();
        string path = Write(folder.At("model"), 100);
        Assert.That(File.ReadAllText(Path.Combine(path, "model.safetensors.index.json")), Is.EqualTo(
            """
            {
              "metadata": {
                "total_size": 184
              },
              "weight_map": {
                "a.weight": "model-00001-of-00002.safetensors",
                "b.weight": "model-00002-of-00002.safetensors",
                "embed.weight": "model-00001-of-00002.safetensors",
                "head.weight": "model-00002-of-00002.safetensors",
                "steps": "model-00002-of-00002.safetensors"
              }
            }

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void TensorFolderWriter_CopiesOtherFilesUnchanged()
    {
        using var folder = new TestFolder();
        string source = Write(folder.At("source"), long.MaxValue);
        string[] names = ["config.json", "tokenizer.model", "README.md", "pytorch_model.bin", ".git", "x.pt"];
        foreach (string name in names)
            File.WriteAllText(Path.Combine(source, name), name);
        Directory.CreateDirectory(Path.Combine(source, "onnx"));
        using var output = new FolderWriter(folder.At("target"));
        output.Write("config.json", stream => stream.Write("mine"u8));
        TensorFolderWriter.CopyOthers(source, output);
        output.Complete();
        Assert.That(output.Files.Select(f => f.Name),
            Is.EqualTo(new[] { "config.json", "README.md", "tokenizer.model" }));
        Assert.That(File.ReadAllText(folder.At("target/config.json")), Is.EqualTo("mine"));
        Assert.That(File.ReadAllText(folder.At("target/README.md")), Is.EqualTo("README.md"));
    }

    [TestCaseSource(nameof(HostileNames))]
    public void Fault_M3_IndexName_IsRefusedBeforeAnyShardIsOpened(string name)
    {
        using var folder = new TestFolder();
        WriteIndex(folder, "{\"weight_map\":{\"good\":\"good.safetensors\",\"w\":\"" + name + "\"}}");
        Refused(folder, SafeTensorsFault.InvalidIndex, "not one path component");
    }

    [TestCase("[]", "InvalidIndex")]
    [TestCase("{}", "InvalidIndex")]
    [TestCase("{\"weight_map\":{}}", "InvalidIndex")]
    [TestCase("{\"weight_map\":[\"w\"]}", "InvalidIndex")]
    [TestCase("{\"weight_map\":{\"w\":1}}", "InvalidIndex")]
    [TestCase("{\"weight_map\":{\"w\":\"none.safetensors\"}}", "InvalidIndex")]
    [TestCase("{\"weight_map\":{\"w\":\"folder.safetensors\"}}", "InvalidIndex")]
    [TestCase("{\"metadata\":{\"total_size\":\"1\"},\"weight_map\":{\"w\":\"a.safetensors\"}}", "InvalidIndex")]
    [TestCase("{\"metadata\":{\"total_size\":-1},\"weight_map\":{\"w\":\"a.safetensors\"}}", "InvalidIndex")]
    [TestCase("{\"weight_map\":{\"w\":\"a.safetensors\",\"w\":\"b.safetensors\"}}", "twice")]
    [TestCase("{\"weight_map\":{\"w\":\"a.safetensors\"}} x", "not valid JSON")]
    [TestCase("{\"weight_map\":{\"w\":\"a.safetensors\",\"v\":\"a.safetensors\"}}", "MissingTensor")]
    [TestCase("{\"weight_map\":{\"v\":\"a.safetensors\"}}", "UnexpectedTensor")]
    [TestCase("{\"weight_map\":{\"w\":\"a.safetensors\",\"x\":\"b.safetensors\"}}", "UnexpectedTensor")]
    public void Fault_M3_Index_IsRefused(string index, string reason)
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder.At("folder.safetensors"));
        WriteShard(folder.At("a.safetensors"), "w");
        WriteShard(folder.At("b.safetensors"), "x", "w");
        WriteIndex(folder, index);
        RunException error = Assert.Throws<RunException>(() => TensorFolder.Open(folder.Path, Fail))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.Contain(reason));
    }

    [Test]
    public void Fault_M3_TenThousandShards_AreRefused()
    {
        using var folder = new TestFolder();
        WriteIndex(folder, "{\"weight_map\":{"
            + string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"w{i}\":\"{i}.safetensors\"")) + "}}");
        Refused(folder, SafeTensorsFault.InvalidIndex, "more than 1000 files");
    }

    [Test]
    public void Fault_M3_ShardWithTensorOfAnother_IsRefused()
    {
        using var folder = new TestFolder();
        WriteShard(folder.At("a.safetensors"), "w");
        WriteShard(folder.At("b.safetensors"), "w", "x");
        WriteIndex(folder, "{\"weight_map\":{\"w\":\"a.safetensors\",\"x\":\"b.safetensors\"}}");
        Refused(folder, SafeTensorsFault.UnexpectedTensor, "'w' is");
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void Fault_M4_SymbolicLinksAsInADownloadCache_AreAccepted()
    {
        using var folder = new TestFolder();
        string snapshot = Directory.CreateDirectory(folder.At("snapshots/1234")).FullName;
        Directory.CreateDirectory(folder.At("blobs"));
        WriteShard(folder.At("blobs/aa"), "w");
        WriteShard(folder.At("blobs/bb"), "x");
        File.WriteAllText(folder.At("blobs/cc"),
            "{\"weight_map\":{\"w\":\"model-1.safetensors\",\"x\":\"model-2.safetensors\"}}");
        File.CreateSymbolicLink(Path.Combine(snapshot, "model-1.safetensors"), "../../blobs/aa");
        File.CreateSymbolicLink(Path.Combine(snapshot, "model-2.safetensors"), "../../blobs/bb");
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.safetensors.index.json"), "../../blobs/cc");
        using TensorFolder read = TensorFolder.Open(snapshot, Fail);
        Assert.That(read.Entries.Select(e => e.Name), Is.EqualTo(new[] { "w", "x" }));
    }

    [Test]
    [Platform(Include = "Linux"), Category("slow")]
    public void Fault_R6_MoreShardsThanOpenFilesAllowed_EndsWith6()
    {
        using var folder = new TestFolder();
        const int Count = 300;
        for (int i = 0; i < Count; i++)
            WriteShard(folder.At($"{i}.safetensors"), $"w{i}");
        WriteIndex(folder, "{\"weight_map\":{"
            + string.Join(',', Enumerable.Range(0, Count).Select(i => $"\"w{i}\":\"{i}.safetensors\"")) + "}}");
        Assert.That(Open(folder.Path), Is.Zero);
        var start = new ProcessStartInfo("/bin/sh", ["-c", "ulimit -n 200 && exec \"$@\"", "sh", "dotnet"]);
        foreach (string argument in new[] { typeof(TensorFolderTests).Assembly.Location, "open-folder", folder.Path })
            start.ArgumentList.Add(argument);
        using Process limited = Process.Start(start)!;      // not null: sh is a program of its own
        Assert.That(limited.WaitForExit(60_000), Is.True);
        Assert.That(limited.ExitCode, Is.EqualTo((int)ExitCode.Resources));
    }

    [Test]
    public void TensorFolder_WarnsOfWhatIsOdd()
    {
        using var folder = new TestFolder();
        WriteShard(folder.At("a.safetensors"), "w");
        WriteIndex(folder, "{\"metadata\":{\"total_size\":5},\"weight_map\":{\"w\":\"a.safetensors\"}}");
        var warnings = new List<string>();
        TensorFolder.Open(folder.Path, warnings.Add).Dispose();
        Assert.That(warnings, Has.Count.EqualTo(1).And.Some.Contains("total_size is 5, the tensors have 4 bytes"));

        WriteShard(folder.At("model.safetensors"), "x");
        using TensorFolder single = TensorFolder.Open(folder.Path, warnings.Add);
        Assert.That(single.Entries[0].Name, Is.EqualTo("x"));
        Assert.That(warnings[^1], Does.Contain("not read, because"));
    }

    [Test]
    public void TensorFolder_SaysWhatIsNotThere()
    {
        using var folder = new TestFolder();
        Assert.That(() => TensorFolder.Open(folder.Path, Fail),
            Throws.TypeOf<RunException>().With.Message.Contains("has neither model.safetensors nor"));
        Assert.That(() => TensorFolder.Open(folder.At("none"), Fail),
            Throws.TypeOf<RunException>().With.Message.Contains("no such folder"));
    }

    [Test]
    public void Fault_M1_S15_TensorsAModelNeeds_AreCompared()
    {
        using var folder = new TestFolder();
        using TensorFolder read = TensorFolder.Open(Write(folder.At("model"), 100), Fail);
        Assert.That(read.Require([new("a.weight", DType.BF16, [3, 4]), new("steps", DType.I64, [])], "Llama")
            .Select(e => e.Name), Is.EquivalentTo(new[] { "embed.weight", "b.weight", "head.weight" }));

        Check(new TensorEntry("c.weight", DType.F32, [1]), "MissingTensor: Llama needs 1 tensors that");
        Check(new TensorEntry("a.weight", DType.F32, [4, 3]), "ShapeMismatch: found 'a.weight' F32 [3, 4], but");
        Check(new TensorEntry("a.weight", DType.F32, [12]), "ShapeMismatch");
        Check(new TensorEntry("a.weight", DType.I32, [3, 4]), "ShapeMismatch");
        Check(new TensorEntry("steps", DType.I32, []), "ShapeMismatch");
        Check(new TensorEntry("steps", DType.F64, []), "ShapeMismatch");

        void Check(TensorEntry needed, string reason) => Assert.That(() => read.Require([needed], "Llama"),
            Throws.TypeOf<RunException>().With.Message.Contains(reason));
    }

    /// <summary>The child: opens a folder, and ends as the command would.</summary>
    internal static int Open(string folder)
    {
        try
        {
            TensorFolder.Open(folder, _ => { }).Dispose();
            return 0;
        }
        catch (RunException e)
        {
            return (int)e.Code;
        }
    }

    private static string Write(string path, long maxShardBytes)
    {
        using var output = new FolderWriter(path);
        TensorFolderWriter.Write(
            output, Entries, (entry, stream) => stream.Write(Content(entry)), maxShardBytes: maxShardBytes);
        output.Complete();
        return path;
    }

    private static byte[] Content(TensorEntry entry) =>
        [.. Enumerable.Range(0, (int)entry.ByteCount).Select(i => (byte)(i + entry.Name[0]))];

    private static void WriteShard(string path, params string[] names)
    {
        using FileStream stream = File.Create(path);
        new SafeTensorsWriter(names.Select(name => new TensorEntry(name, DType.F32, [1])))
            .Write(stream, (_, target) => target.Write(new byte[4]));
    }

    private static void WriteIndex(TestFolder folder, string text) =>
        File.WriteAllText(folder.At("model.safetensors.index.json"), text, new UTF8Encoding(false));

    private static void Refused(TestFolder folder, SafeTensorsFault fault, string reason)
    {
        RunException error = Assert.Throws<RunException>(() => TensorFolder.Open(folder.Path, Fail))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.Contain($"{fault}: ").And.Contain(reason));
    }

    private static void Fail(string warning) => Assert.Fail(warning);
}
