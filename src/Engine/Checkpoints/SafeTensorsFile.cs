using System.Buffers.Binary;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>A safetensors file, checked whole before any tensor is read; tensors are read by position.</summary>
/// <remarks>
/// Layout: header length as little-endian u64, header as JSON, bytes of the tensors. The file is not mapped: when it is
/// shortened, a mapping would end the process, while a positional read is an error like any other. Any number of
/// threads may read.
/// </remarks>
public sealed class SafeTensorsFile : IDisposable
{
    /// <summary>The longest header that the format allows.</summary>
    public const int MaxHeaderBytes = 100_000_000;

    /// <summary>The longest header that is read without being asked to.</summary>
    public const int DefaultHeaderBytes = 16 << 20;

    private readonly InputFile _file;
    private readonly Dictionary<string, TensorEntry> _entryByName;

    private SafeTensorsFile(InputFile file, SafeTensorsHeader header) =>
        (_file, Entries, _entryByName, Metadata) = (file, header.Entries, header.EntryByName, header.Metadata);

    public string Path => _file.Path;

    /// <summary>All tensors, in the order of their bytes.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>The strings under __metadata__, in the order of the file.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header against its length.</summary>
    /// <param name="maxHeaderBytes">Up to <see cref="MaxHeaderBytes"/>, where the user allows a huge header.</param>
    /// <exception cref="RunException">Exit code 4 and the name of a <see cref="SafeTensorsFault"/>.</exception>
    public static SafeTensorsFile Open(string path, int maxHeaderBytes = DefaultHeaderBytes)
    {
        InputFile file = InputFile.Open(path, ExitCode.ModelFile);
        try
        {
            byte[] header = ReadHeader(file, maxHeaderBytes);
            long bufferLength = file.Length - sizeof(ulong) - header.Length;
            return new SafeTensorsFile(file, SafeTensorsHeader.Parse(header, path, bufferLength));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <returns>Null if the file has no tensor of the name.</returns>
    public TensorEntry? Find(string name) => _entryByName.GetValueOrDefault(name);

    /// <summary>Reads a whole tensor.</summary>
    /// <param name="bytes">As long as the tensor, overwritten.</param>
    /// <exception cref="RunException">The file is shorter than when it was opened.</exception>
    public void Read(TensorEntry entry, Span<byte> bytes)
    {
        if (bytes.Length != entry.ByteCount)
            throw new ArgumentException($"{entry} has {entry.ByteCount} bytes, not {bytes.Length}.", nameof(bytes));
        Read(entry, 0, bytes);
    }

    /// <summary>Reads a part of a tensor, for tensors longer than a span or than what should be in memory.</summary>
    /// <param name="byteOffset">From the tensor's first byte.</param>
    /// <exception cref="RunException">The file is shorter than when it was opened.</exception>
    public void Read(TensorEntry entry, long byteOffset, Span<byte> bytes)
    {
        if (byteOffset < 0 || byteOffset > entry.ByteCount - bytes.Length)
            throw new ArgumentOutOfRangeException(
                nameof(byteOffset), $"{byteOffset} + {bytes.Length} is outside {entry} of {entry.ByteCount} bytes.");
        _file.Read(entry.Offset + byteOffset, bytes);
    }

    /// <summary>The file itself, for the hash of all its bytes.</summary>
    internal InputFile Input => _file;

    public void Dispose() => _file.Dispose();

    private static byte[] ReadHeader(InputFile file, int maxHeaderBytes)
    {
        if (file.Length < sizeof(ulong))
            throw SafeTensorsHeader.Refuse(file.Path, SafeTensorsFault.HeaderTooSmall,
                $"the file has {file.Length} bytes; a safetensors file begins with 8 bytes of length.");
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        file.Read(0, prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)maxHeaderBytes)
            throw SafeTensorsHeader.Refuse(file.Path, SafeTensorsFault.HeaderTooLarge,
                $"the header claims {length} bytes, at most {maxHeaderBytes} are accepted.");
        if (length == 0 || (long)length > file.Length - sizeof(ulong))
            throw SafeTensorsHeader.Refuse(file.Path, SafeTensorsFault.InvalidHeaderLength,
                $"the header claims {length} bytes, the file has {file.Length - sizeof(ulong)} after the length.");
        var header = new byte[(int)length];
        file.Read(sizeof(ulong), header);
        return header;
    }
}
