namespace FastCpt.Engine.Files;

/// <summary>The files of a folder in memory, for another thread to write while the run goes on.</summary>
/// <remarks>The memory is kept for the next folder.</remarks>
/// <param name="path">What errors name.</param>
public sealed class StagedFolder(string path) : FolderOutput
{
    private const int ChunkBytes = 1 << 20;

    private readonly Stack<byte[]> _spare = new();
    private readonly List<(string Name, List<byte[]> Chunks, long Length)> _files = [];

    public override string Path => path;

    public override IEnumerable<string> Names => _files.Select(file => file.Name);

    public override void Write(string name, Action<Stream> content, long length = 0)
    {
        using var stream = new ChunkStream(_spare);
        content(stream);
        _files.Add((name, stream.Chunks, stream.Length));
    }

    /// <summary>Writes the files in their order; reads nothing else, so any thread may do it.</summary>
    public void WriteTo(FolderOutput output)
    {
        foreach ((string name, List<byte[]> chunks, long length) in _files)
            output.Write(name, stream =>
            {
                for (int i = 0; i < chunks.Count; i++)
                    stream.Write(chunks[i], 0, (int)Math.Min(ChunkBytes, length - (long)i * ChunkBytes));
            }, length);
    }

    /// <summary>Empties the folder.</summary>
    public void Clear()
    {
        foreach (byte[] chunk in _files.SelectMany(file => file.Chunks))
            _spare.Push(chunk);
        _files.Clear();
    }

    private sealed class ChunkStream(Stack<byte[]> spare) : Stream
    {
        private long _length;

        public List<byte[]> Chunks { get; } = [];

        public override long Length => _length;
        public override long Position { get => _length; set => throw new NotSupportedException(); }
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;

        public override void Write(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                int used = (int)(_length % ChunkBytes);
                if (used == 0)
                    Chunks.Add(spare.TryPop(out byte[]? chunk) ? chunk : new byte[ChunkBytes]);
                int count = Math.Min(bytes.Length, ChunkBytes - used);
                bytes[..count].CopyTo(Chunks[^1].AsSpan(used));
                bytes = bytes[count..];
                _length += count;
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void WriteByte(byte value) => Write([value]);
        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
