using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Streams named tensors of several models into a new one, a piece at a time.</summary>
/// <remarks>
/// Every input has a thread that reads a few pieces ahead, and hashes files whose hashes are not remembered; the
/// caller's thread sums and writes. Which thread is how far never shows in the bytes.
/// </remarks>
public static class Combine
{
    /// <summary>Writes a tensor for every tensor of the inputs, which agree in names, shapes and types.</summary>
    /// <param name="blend">How a tensor is made; what is not floating, and no copy, comes from the first input.</param>
    /// <param name="output">Receives model.safetensors, or shards with their index.</param>
    /// <param name="memory">Knows hashes of files that have not changed since, and is told those found here.</param>
    /// <param name="progress">Told the bytes that are written and those that will be, once a piece.</param>
    /// <param name="stop">Polled once a piece.</param>
    /// <returns>For every input the SHA-256 of its files, by name.</returns>
    /// <exception cref="RunException">Exit 4: inputs disagree. Exit 6: the disk. Exit 130, 143: stopped.</exception>
    public static IReadOnlyList<Dictionary<string, string>> Write(
        IReadOnlyList<NamedTensors> inputs, Func<string, Blend> blend, FolderWriter output, FileHashes memory,
        Action<long, long>? progress = null, StopSignal? stop = null)
    {
        for (int i = 1; i < inputs.Count; i++)
            RequireAgreement(inputs[0], inputs[i]);
        TensorEntry[] entries = [.. inputs[0].Names.Select(name => Renamed(inputs[0].Find(name)!, name))];
        Dictionary<string, Blend> made = entries.ToDictionary(
            entry => entry.Name, entry => Made(inputs[0], entry, blend(entry.Name)));
        TensorEntry[] order = [.. TensorFolderWriter.Order(entries)];
        var readers = new List<PieceReader>();
        try
        {
            for (int i = 0; i < inputs.Count; i++)
            {
                int input = i;
                readers.Add(new PieceReader(inputs[i], order
                    .Where(entry => made[entry.Name].Terms.Any(term => term.Input == input)).SelectMany(Piece.Of),
                    memory));
            }

            long total = inputs[0].TotalBytes, done = 0;
            byte[] sums = GC.AllocateUninitializedArray<byte>(Piece.MostBytes);
            TensorFolderWriter.Write(output, entries, (entry, stream) =>
            {
                foreach (Piece piece in Piece.Of(entry))
                {
                    stop?.ThrowIfStopRequested("merge");
                    Write(piece, made[entry.Name], readers, sums, stream);
                    done += piece.Bytes;
                    progress?.Invoke(done, total);
                }
            });
            Dictionary<string, string>[] hashes = [.. readers.Select(reader => reader.Hashes(stop))];
            memory.Remember(readers.SelectMany(reader => reader.Found));
            return hashes;
        }
        finally
        {
            readers.ForEach(reader => reader.Dispose());
        }
    }

    /// <summary>Refuses a model that has not exactly the tensors of another.</summary>
    /// <exception cref="RunException">Exit 4, naming the tensors.</exception>
    public static void RequireAgreement(NamedTensors first, NamedTensors other)
    {
        string[] missing = [.. first.Names.Where(name => other.Find(name) is null)];
        string[] extra = [.. other.Names.Where(name => first.Find(name) is null)];
        if (missing.Length + extra.Length > 0)
            throw Refuse(missing.Length > 0
                ? $"has no tensor {Some(missing)}, which {first.Path} has"
                : $"has the tensor {Some(extra)}, which {first.Path} has not");
        foreach (string name in first.Names)
        {
            TensorEntry entry = first.Find(name)!, found = other.Find(name)!;       // not null: the names agree
            if (found.Type != entry.Type || !found.Shape.SequenceEqual(entry.Shape))
                throw Refuse($"{found} is {entry.Type} [{entry.ShapeText}] in {first.Path}");
        }

        RunException Refuse(string what) => new(ExitCode.ModelFile, $"{other.Path}: {what}. "
            + "Only models of one architecture and one element type can be merged.");
    }

    /// <summary>How a tensor is made: the blend, or a copy of the first input's where that cannot be.</summary>
    private static Blend Made(NamedTensors first, TensorEntry entry, Blend blend)
    {
        if (blend.CopyOf is not null)
            return blend;
        if (!TensorFolder.IsFloating(entry.Type))
            return Blend.Copy(0);
        if (!StoredSum.CanSum(entry.Type))
            throw new RunException(ExitCode.ModelFile, $"{first.Path}: {entry} cannot be summed; "
                + "expected F32, BF16 or F16. Convert the model first.");
        return blend;
    }

    private static void Write(
        Piece piece, Blend how, List<PieceReader> readers, byte[] sums, Stream stream)
    {
        byte[][] terms = [.. how.Terms.Select(term => readers[term.Input].Take())];
        Span<byte> bytes = terms[0].AsSpan(0, piece.Bytes);
        if (how.CopyOf is null)
        {
            bytes = sums.AsSpan(0, piece.Bytes);
            StoredSum.Run(
                piece.Entry.Type, [.. terms.Select(term => new ReadOnlyMemory<byte>(term))],
                [.. how.Terms.Select(term => term.Weight)], how.Divisor, bytes);
        }

        stream.Write(bytes);
        for (int i = 0; i < terms.Length; i++)
            readers[how.Terms[i].Input].Return(terms[i]);
    }

    private static TensorEntry Renamed(TensorEntry entry, string name) => new(name, entry.Type, entry.Shape);

    private static string Some(string[] names) =>
        $"'{YamlNode.Shown(names[0])}'" + (names.Length > 1 ? $" and {names.Length - 1} more" : "");
}
