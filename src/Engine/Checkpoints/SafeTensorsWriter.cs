using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Lays tensors out as the reference writer does, and writes them one after the other.</summary>
/// <remarks>
/// Order: by type with large alignment first, then by name in UTF-8; the header is padded with spaces to 8 bytes.
/// What the reference writer wrote comes back byte for byte.
/// </remarks>
public sealed class SafeTensorsWriter
{
    private static readonly (string Key, string Value)[] PyTorch = [("format", "pt")];

    private readonly byte[] _head;      // length and header

    /// <param name="entries">Name, type and shape of every tensor; their offsets are not read.</param>
    /// <param name="metadata">By default {"format": "pt"}, without which some readers refuse a file.</param>
    public SafeTensorsWriter(
        IEnumerable<TensorEntry> entries, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        TensorEntry[] order = [.. entries];
        Array.Sort(order, Compare);
        _head = Head(order, metadata?.Select(pair => (pair.Key, pair.Value)) ?? PyTorch);
        long bufferLength = order.Sum(entry => entry.ByteCount);
        Length = _head.Length + bufferLength;
        // What the strict reader would refuse is not written either: names declared twice, control characters.
        Entries = SafeTensorsHeader.Parse(_head.AsSpan(sizeof(ulong)), "header to be written", bufferLength).Entries;
    }

    /// <summary>The tensors in the order in which they are written, with their offsets.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>Writes the file.</summary>
    /// <param name="stream">Knows its position.</param>
    /// <param name="content">Called for each tensor in order; writes exactly its bytes to the stream.</param>
    public void Write(Stream stream, Action<TensorEntry, Stream> content)
    {
        stream.Write(_head);
        foreach (TensorEntry entry in Entries)
        {
            long start = stream.Position;
            content(entry, stream);
            if (stream.Position - start != entry.ByteCount)
                throw new InvalidOperationException(
                    $"{entry} has {entry.ByteCount} bytes, {stream.Position - start} were written.");
        }
    }

    private static int Compare(TensorEntry a, TensorEntry b)
    {
        int byType = SafeTensorsType.Rank(a.Type).CompareTo(SafeTensorsType.Rank(b.Type));
        return byType != 0
            ? byType
            : Encoding.UTF8.GetBytes(a.Name).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b.Name));
    }

    private static byte[] Head(TensorEntry[] order, IEnumerable<(string Key, string Value)> metadata)
    {
        var json = new StringBuilder("{");
        var pairs = metadata.ToList();
        if (pairs.Count > 0)
        {
            json.Append("\"__metadata__\":{");
            foreach (var (key, value) in pairs)
                AppendText(AppendText(json, key).Append(':'), value).Append(',');
            json.Length--;
            json.Append("},");
        }
        long offset = 0;
        foreach (TensorEntry entry in order)
        {
            AppendText(json, entry.Name).Append(CultureInfo.InvariantCulture,
                $":{{\"dtype\":\"{SafeTensorsType.Name(entry.Type)}\",\"shape\":[{string.Join(',', entry.Shape)}],")
                .Append(CultureInfo.InvariantCulture, $"\"data_offsets\":[{offset},{offset + entry.ByteCount}]}},");
            offset += entry.ByteCount;
        }
        if (json.Length > 1)
            json.Length--;
        byte[] text = Encoding.UTF8.GetBytes(json.Append('}').ToString());

        int padded = (text.Length + 7) / 8 * 8;
        if (padded > SafeTensorsFile.MaxHeaderBytes)
            throw new ArgumentException($"A header of {padded} bytes is longer than the format allows.", nameof(order));
        var head = new byte[sizeof(ulong) + padded];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)padded);
        head.AsSpan(sizeof(ulong)).Fill((byte)' ');
        text.CopyTo(head, sizeof(ulong));
        return head;
    }

    /// <summary>A JSON string as the reference writes it: quotes, backslashes and controls escaped.</summary>
    private static StringBuilder AppendText(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        return json.Append('"');
    }
}
