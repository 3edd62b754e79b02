using FastCpt.Engine.Files;

namespace FastCpt.Tests.Support;

/// <summary>Counts the steps of a save and fails, or ends the process, before chosen ones.</summary>
internal sealed class FaultyFileSystem : FileSystem
{
    /// <summary>All steps so far, in order, with the file or folder name they are about.</summary>
    public List<(FileStep Step, string Name)> Steps { get; } = [];

    /// <summary>Throws here to fail the step; the number counts from 1.</summary>
    public Action<int, FileStep, string>? Fault { get; set; }

    /// <summary>Whether this is a file system on which two folders can change places.</summary>
    public bool CanExchange { get; init; } = true;

    public long? FreeBytesTold { get; set; }

    public override long FreeBytes(string folder) => FreeBytesTold ?? base.FreeBytes(folder);

    public override bool TryExchangeFolders(string from, string to) =>
        CanExchange && base.TryExchangeFolders(from, to);

    /// <summary>Ends this process as a power failure would before step n: no handler runs.</summary>
    public static FaultyFileSystem KillBefore(int n, bool canExchange = true) => new()
    {
        CanExchange = canExchange,
        Fault = (number, _, _) =>
        {
            if (number == n)
                ChildProcess.Die();
        },
    };

    /// <summary>A step of a kind that concerns a name containing a text fails with a system error number.</summary>
    public static FaultyFileSystem Fail(FileStep step, string name, int error) => new()
    {
        Fault = (_, current, path) =>
        {
            if (current == step && path.Contains(name, StringComparison.Ordinal))
                throw new IOException($"{path}: injected error {error}.", error);
        },
    };

    protected override void Before(FileStep step, string path)
    {
        Steps.Add((step, Path.GetFileName(path)));
        Fault?.Invoke(Steps.Count, step, path);
    }
}
