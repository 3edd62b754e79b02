using System.IO.Compression;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>Decompresses a gzip file of one or more members and refuses what the platform's reader lets pass.</summary>
/// <remarks>
/// GZipStream ends quietly at a truncated member and at bytes that follow the last one. Here a member with a known text
/// is fed after the file: if the file ends with a member, the output ends with that text, which is taken off; if not,
/// the text does not come out and the file is refused. The platform compares each member's CRC-32. A file that grows
/// to more than <see cref="MaxRatio"/> times its size is refused while it is read.
/// </remarks>
internal sealed class GzipInput : ForwardStream
{
    public const int MaxRatio = 200;

    /// <summary>Below this many bytes of output the ratio is not looked at: small files may be regular.</summary>
    private const int FreeBytes = 1 << 20;

    private static readonly byte[] EndText = "end of the file"u8.ToArray();
    private static readonly byte[] EndMember = Compress(EndText);

    private readonly string _path;
    private readonly FileThenEnd _compressed;
    private readonly GZipStream _gzip;
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _start, _end;
    private long _outputBytes;
    private bool _ended;

    public GzipInput(Stream file, string path)
    {
        _path = path;
        _compressed = new FileThenEnd(file);
        _gzip = new GZipStream(_compressed, CompressionMode.Decompress);
    }

    /// <exception cref="RunException">Exit 3: not gzip, damaged, truncated, trailing bytes, or a bomb.</exception>
    public override int Read(Span<byte> destination)
    {
        // The last bytes may be the end text, so that many are held back until the end is seen.
        while (!_ended && _end - _start <= EndText.Length)
            Fill();
        int count = Math.Min(destination.Length, _end - _start - (_ended ? 0 : EndText.Length));
        _buffer.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _gzip.Dispose();
        base.Dispose(disposing);
    }

    private void Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        int count;
        try
        {
            // An empty member reads as nothing: the end is where nothing more is taken from the file either.
            long taken;
            do
            {
                taken = _compressed.TakenBytes;
                count = _gzip.Read(_buffer, _end, _buffer.Length - _end);
            }
            while (count == 0 && _compressed.TakenBytes > taken);
        }
        catch (InvalidDataException e)
        {
            throw new RunException(ExitCode.Config,
                $"{_path}: is not gzip, damaged or truncated, near byte {_compressed.FileBytes}. Fetch the file again.",
                e);
        }

        _end += count;
        _outputBytes += count;
        if (_outputBytes > FreeBytes && _outputBytes / MaxRatio > _compressed.FileBytes)
            throw new RunException(ExitCode.Config,
                $"{_path}: the first {_compressed.FileBytes} bytes grow to more than {MaxRatio} times their size. " +
                "Decompress the file yourself if this is meant.");
        if (count == 0)
            TakeEndTextOff();
    }

    private void TakeEndTextOff()
    {
        _ended = true;
        if (!_buffer.AsSpan(_start, _end - _start).EndsWith(EndText))
            throw new RunException(ExitCode.Config,
                $"{_path}: the gzip data is truncated or followed by other bytes. Fetch the file again.");
        _end -= EndText.Length;
    }

    private static byte[] Compress(byte[] text)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(text);
        return bytes.ToArray();
    }

    /// <summary>The bytes of the file, then those of the end member.</summary>
    private sealed class FileThenEnd(Stream file) : ForwardStream
    {
        private int _endBytes;

        public long FileBytes { get; private set; }

        public long TakenBytes => FileBytes + _endBytes;

        public override int Read(Span<byte> destination)
        {
            int count = file.Read(destination);
            FileBytes += count;
            if (count > 0 || FileBytes == 0 || destination.IsEmpty)
                return count;
            count = Math.Min(destination.Length, EndMember.Length - _endBytes);
            EndMember.AsSpan(_endBytes, count).CopyTo(destination);
            _endBytes += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                file.Dispose();
            base.Dispose(disposing);
        }
    }
}
