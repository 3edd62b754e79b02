using System.Security.Cryptography;

namespace FastCpt.Engine.Files;

/// <summary>SHA-256 of a file that is read anyhow: its bytes are taken as they pass by, each once.</summary>
/// <remarks>What is left out on the way is read here; so is what comes later than its turn, which costs a second
/// read of it. One thread at a time.</remarks>
internal sealed class PassingHash(InputFile file) : IDisposable
{
    private const int BlockBytes = 1 << 19;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[]? _block;
    private long _position;

    /// <summary>Takes bytes that were read from the file.</summary>
    /// <exception cref="OperationCanceledException">The caller no longer wants the hash.</exception>
    public void Pass(long offset, ReadOnlySpan<byte> bytes, CancellationToken cancel)
    {
        ReadUpTo(offset, cancel);
        if (offset + bytes.Length <= _position)
            return;
        _hash.AppendData(bytes[(int)(_position - offset)..]);
        _position = offset + bytes.Length;
    }

    /// <summary>64 lower-case hexadecimal digits, once what has not passed is read too.</summary>
    /// <inheritdoc cref="Pass"/>
    public string Finish(CancellationToken cancel)
    {
        ReadUpTo(file.Length, cancel);
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    public void Dispose() => _hash.Dispose();

    private void ReadUpTo(long offset, CancellationToken cancel)
    {
        while (_position < offset)
        {
            cancel.ThrowIfCancellationRequested();
            _block ??= new byte[BlockBytes];
            Span<byte> part = _block.AsSpan(0, (int)Math.Min(BlockBytes, offset - _position));
            file.Read(_position, part);
            _hash.AppendData(part);
            _position += part.Length;
        }
    }
}
