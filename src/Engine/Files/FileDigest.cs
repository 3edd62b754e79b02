using System.Security.Cryptography;

namespace FastCpt.Engine.Files;

/// <summary>What is known of a written file: its name in its folder, its length and two checksums.</summary>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
public sealed record FileDigest(string Name, long Bytes, uint Crc32C, string Sha256)
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Reads a file and compares; the reason why it differs, or null if it does not.</summary>
    /// <param name="full">Compare the SHA-256 as well, not only length and CRC.</param>
    public string? WhyNot(string folder, bool full)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            using InputFile file = InputFile.Open(path, ExitCode.ModelFile);
            if (file.Length != Bytes)
                return $"{Name} has {file.Length} bytes, expected {Bytes}";
            using IncrementalHash? hash = full ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
            var chunk = new byte[(int)Math.Min(ChunkBytes, Math.Max(1, Bytes))];
            uint crc = 0;
            for (long offset = 0; offset < Bytes; offset += chunk.Length)
            {
                Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, Bytes - offset));
                file.Read(offset, part);
                crc = Files.Crc32C.Append(crc, part);
                hash?.AppendData(part);
            }
            if (crc != Crc32C)
                return $"{Name} has the CRC {crc:x8}, expected {Crc32C:x8}: its bytes have changed";
            if (hash is not null && Convert.ToHexStringLower(hash.GetHashAndReset()) != Sha256)
                return $"{Name} has another SHA-256 than when it was written";
            return null;
        }
        catch (RunException e)
        {
            return e.Message;
        }
    }
}
