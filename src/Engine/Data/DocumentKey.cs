using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FastCpt.Engine.Data;

/// <summary>Two random numbers that a document has under a seed, wherever it stands in whatever file.</summary>
/// <remarks>
/// SHA-256 of (seed as 8 bytes, 1, id) for a document with an id, of (seed, 0, text) for one without; Selection is its
/// first 8 bytes and Side the next 8, little-endian. So translations that share an id share their fate, and exact
/// copies of a text do too.
/// </remarks>
/// <param name="Selection">Documents are taken into a budget in ascending order of it.</param>
/// <param name="Side">Decides between training and validation; see <see cref="Split"/>.</param>
/// <param name="HasId">Whether the id made it, or the text.</param>
public readonly record struct DocumentKey(ulong Selection, ulong Side, bool HasId)
{
    public static DocumentKey Of(ulong seed, string? id, ReadOnlySpan<byte> text)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[sizeof(ulong) + 1];
        BinaryPrimitives.WriteUInt64LittleEndian(head, seed);
        head[^1] = id is null ? (byte)0 : (byte)1;
        sha.AppendData(head);
        sha.AppendData(id is null ? text : Encoding.UTF8.GetBytes(id));
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        sha.GetHashAndReset(hash);
        return new DocumentKey(
            BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]),
            id is not null);
    }
}
