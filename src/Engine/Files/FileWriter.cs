using Microsoft.Win32.SafeHandles;

namespace FastCpt.Engine.Files;

/// <summary>A stream into a file that must not exist yet; bytes are gathered into large writes.</summary>
/// <remarks>Only <see cref="Complete"/> makes the bytes durable; without it the file is unfinished.</remarks>
public sealed class FileWriter : Stream
{
    private readonly FileSystem _fileSystem;
    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer = new byte[256 << 10];
    private int _bufferedCount;
    private long _writtenCount;

    /// <param name="length">Bytes to reserve at once, so that a full disk shows itself here; 0 if unknown.</param>
    public FileWriter(FileSystem fileSystem, string path, long length = 0)
    {
        (_fileSystem, Path) = (fileSystem, path);
        _file = fileSystem.CreateFile(path, length);
    }

    public string Path { get; }

    public override long Length => _writtenCount + _bufferedCount;
    public override long Position { get => Length; set => throw new NotSupportedException(); }
    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _bufferedCount)
            Flush();
        if (bytes.Length >= _buffer.Length)
        {
            _fileSystem.Write(_file, Path, bytes, _writtenCount);
            _writtenCount += bytes.Length;
            return;
        }
        bytes.CopyTo(_buffer.AsSpan(_bufferedCount));
        _bufferedCount += bytes.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    /// <summary>Hands the gathered bytes to the system; they are not durable yet.</summary>
    public override void Flush()
    {
        if (_bufferedCount == 0)
            return;
        _fileSystem.Write(_file, Path, _buffer.AsSpan(0, _bufferedCount), _writtenCount);
        _writtenCount += _bufferedCount;
        _bufferedCount = 0;
    }

    /// <summary>Returns when every byte is on the medium; for its name, sync the folder as well.</summary>
    public void Complete()
    {
        Flush();
        _fileSystem.Sync(_file, Path);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _file.Dispose();
        base.Dispose(disposing);
    }
}
