using System.Text;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

/// <summary>A run that only saves: what a checkpoint holds is a function of its step, so that a mix shows.</summary>
internal sealed class CheckpointRun : IDisposable
{
    private readonly RunLock _lock;

    public CheckpointRun(
        string folder, FileSystem? fileSystem = null, CheckpointRetention? retention = null, bool keepFailed = false)
    {
        _lock = RunLock.Take(folder);
        Folder = Path.Combine(folder, "checkpoints");
        try
        {
            Store = new CheckpointStore(
                Folder, _lock, retention ?? new CheckpointRetention(1, 0, Best: false), Log.Add, fileSystem)
            { KeepFailed = keepFailed };
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public string Folder { get; }
    public CheckpointStore Store { get; }
    public List<string> Log { get; } = [];

    public void Dispose() => _lock.Dispose();

    public static CheckpointFacts Facts(long step) => new()
    {
        RunId = "r1",
        Attempt = 2,
        Tokens = step * 1000,
        Epoch = step / 8.0,
        ConfigSha256 = "c0ffee",
        ToolVersion = "0.1.0",
        ParentStep = step - 1,
        WriteState = json =>
        {
            json.WriteStartObject();
            json.WriteNumber("cursor", step * 17);
            json.WriteEndObject();
        },
    };

    public Checkpoint Save(long step, CheckpointFacts? facts = null) =>
        Store.Save(step, writer => Write(writer, step), facts ?? Facts(step));

    /// <summary>Names in the checkpoint folder, without the hint `latest`.</summary>
    public string[] Names() =>
    [
        .. Directory.GetFileSystemEntries(Folder).Select(path => Path.GetFileName(path))
            .Where(name => name != CheckpointStore.LatestFileName).Order(),
    ];

    /// <summary>Fails the test unless the checkpoint holds what its step says.</summary>
    public static void CheckContent(Checkpoint checkpoint)
    {
        Assert.That(checkpoint.State.GetProperty("cursor").GetInt64(), Is.EqualTo(checkpoint.Step * 17));
        Assert.That(checkpoint.Facts with { WriteState = null! },
            Is.EqualTo(Facts(checkpoint.Step) with { WriteState = null! }));
        using TensorFolder model = TensorFolder.Open(checkpoint.Path, Assert.Fail);
        var bytes = new byte[(int)model.TotalBytes];
        model.Read("w", bytes);
        Assert.That(bytes.All(b => b == (byte)checkpoint.Step), Is.True);
        string config = File.ReadAllText(Path.Combine(checkpoint.Path, "config.json"));
        Assert.That(config, Is.EqualTo($"step {checkpoint.Step}"));
    }

    /// <summary>The child: goes on from the newest checkpoint, saves the next, and dies before a file step.</summary>
    internal static int SaveNextAndDie(string folder, int killBefore)
    {
        using var run = new CheckpointRun(folder, FaultyFileSystem.KillBefore(killBefore));
        long step = run.Store.OpenNewest(isRequired: true)!.Step;
        CheckContent(run.Save(step + 1));
        return 0;
    }

    private static void Write(FolderOutput writer, long step)
    {
        var content = new byte[20_000];
        content.AsSpan().Fill((byte)step);
        TensorFolderWriter.Write(
            writer, [new TensorEntry("w", DType.F32, [5_000])], (_, stream) => stream.Write(content));
        writer.Write("config.json", stream => stream.Write(Encoding.UTF8.GetBytes($"step {step}")));
    }
}
