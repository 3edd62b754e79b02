using FastCpt.Engine.Files;
using FastCpt.Kernels.Platform;

namespace FastCpt.Engine.Data;

/// <summary>Reads a text file line by line in bounded memory; the file is plain or gzip'd by its name.</summary>
/// <remarks>
/// A line ends with LF or CR LF; the last one may end with the file. A byte order mark is taken off the first line.
/// A line over <see cref="MaxLineBytes"/> is passed over and reported by <see cref="TooLong"/>.
/// </remarks>
internal sealed class LineReader : IDisposable
{
    public const int MaxLineBytes = 16 << 20;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly Stream _text;
    private readonly (long Length, DateTime Time) _opened;
    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end, _lineStart, _lineEnd;
    private bool _ended;

    /// <exception cref="RunException">Exit 3: the file is missing, a folder or not readable.</exception>
    public LineReader(string path)
    {
        _path = path;
        try
        {
            _file = new FileStream(RegularFile.OpenRead(path, out long length), FileAccess.Read, bufferSize: 1 << 16);
            _opened = (length, File.GetLastWriteTimeUtc(_file.SafeFileHandle));
        }
        catch (IOException e)
        {
            string reason = e.Message.Replace(path + ": ", "", StringComparison.Ordinal);
            throw new RunException(ExitCode.Config, $"{path}: cannot be opened: {reason}", e);
        }

        _text = path.EndsWith(".gz", StringComparison.Ordinal) ? new GzipInput(_file, path) : _file;
    }

    /// <summary>The number of the line, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>The line that was read is over the limit; <see cref="Line"/> is empty.</summary>
    public bool TooLong { get; private set; }

    /// <summary>The bytes of the line without its end; they stay until the next call of <see cref="Read"/>.</summary>
    public ReadOnlyMemory<byte> Line => _buffer.AsMemory(_lineStart, _lineEnd - _lineStart);

    /// <summary>Goes to the next line; false at the end of the file.</summary>
    /// <exception cref="RunException">Exit 3: a read fails, the gzip data is bad, or the file changed.</exception>
    public bool Read()
    {
        TooLong = false;
        int searched = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (length >= 0)
                return Take(searched + length, 1);
            if (_end - _start > MaxLineBytes + 1)
                (TooLong, _start, _end) = (true, 0, 0);
            if (_ended)
                return (_end > _start || TooLong) && Take(_end - _start, 0);
            searched = _end - _start;
            Fill();
        }
    }

    public void Dispose() => _text.Dispose();

    private bool Take(int length, int endBytes)
    {
        Number++;
        ReadOnlySpan<byte> line = _buffer.AsSpan(_start, length);
        int mark = Number == 1 && line.StartsWith("\uFEFF"u8) ? 3 : 0;
        int end = line.EndsWith("\r"u8) ? length - 1 : length;
        TooLong |= end - mark > MaxLineBytes;
        _lineStart = TooLong ? _start : _start + mark;
        _lineEnd = TooLong ? _start : Math.Max(_lineStart, _start + end);
        _start += length + endBytes;
        return true;
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        else if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        try
        {
            int count = _text.Read(_buffer, _end, _buffer.Length - _end);
            _end += count;
            _ended = count == 0;
            if (_ended && _opened != (_file.Length, File.GetLastWriteTimeUtc(_file.SafeFileHandle)))
                throw new RunException(ExitCode.Config, $"{_path}: changed while it was read. Run again.");
        }
        catch (IOException e)
        {
            throw new RunException(ExitCode.Config, $"{_path}:{Number + 1}: reading failed: {e.Message}", e);
        }
    }
}
