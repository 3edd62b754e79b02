namespace FastCpt.Engine.Files;

/// <summary>Takes the files of a folder one by one: onto the disk, or into memory to be written later.</summary>
public abstract class FolderOutput
{
    /// <summary>Names of the files so far.</summary>
    public abstract IEnumerable<string> Names { get; }

    /// <summary>What errors name.</summary>
    public abstract string Path { get; }

    /// <summary>Takes a file.</summary>
    /// <param name="name">One path component that has not been written yet.</param>
    /// <param name="content">Writes to the stream, which knows its position and cannot go back.</param>
    /// <param name="length">Bytes to reserve, so that a full disk shows itself before writing; 0 if unknown.</param>
    /// <exception cref="RunException">Exit code 6: disk full, not writable, sync failed.</exception>
    public abstract void Write(string name, Action<Stream> content, long length = 0);

    /// <summary>Copies a file unchanged.</summary>
    public void Copy(string sourcePath, string name)
    {
        using InputFile source = InputFile.Open(sourcePath, ExitCode.ModelFile);
        Write(name, stream =>
        {
            var chunk = new byte[(int)Math.Min(1 << 20, Math.Max(1, source.Length))];
            for (long offset = 0; offset < source.Length; offset += chunk.Length)
            {
                Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, source.Length - offset));
                source.Read(offset, part);
                stream.Write(part);
            }
        }, source.Length);
    }
}
