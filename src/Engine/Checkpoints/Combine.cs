using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Streams named tensors of several models into a new one, a chunk at a time.</summary>
public static class Combine
{
    private const int ChunkElements = 1 << 16;

    /// <summary>Writes a tensor for every tensor of the inputs, which agree in names, shapes and types.</summary>
    /// <param name="blend">How a tensor is made; what is not floating, and no copy, comes from the first input.</param>
    /// <param name="output">Receives model.safetensors, or shards with their index.</param>
    /// <param name="progress">Told the bytes that are written and those that will be, once a chunk.</param>
    /// <param name="stop">Polled once a chunk.</param>
    /// <exception cref="RunException">Exit 4: inputs disagree. Exit 6: the disk. Exit 130, 143: stopped.</exception>
    public static void Write(
        IReadOnlyList<NamedTensors> inputs, Func<string, Blend> blend, FolderWriter output,
        Action<long, long>? progress = null, StopSignal? stop = null)
    {
        for (int i = 1; i < inputs.Count; i++)
            RequireAgreement(inputs[0], inputs[i]);
        long total = inputs[0].TotalBytes, done = 0;
        var bytes = new byte[ChunkElements * sizeof(double)];
        var sums = new double[ChunkElements];
        TensorEntry[] entries = [.. inputs[0].Names.Select(name => Renamed(inputs[0].Find(name)!, name))];
        TensorFolderWriter.Write(output, entries, (entry, stream) =>
        {
            Blend how = blend(entry.Name);
            long chunkBytes = (long)ChunkElements * entry.Type.Size();
            for (long offset = 0; offset < entry.ByteCount; offset += chunkBytes)
            {
                stop?.ThrowIfStopRequested("merge");
                Span<byte> chunk = bytes.AsSpan(0, (int)Math.Min(chunkBytes, entry.ByteCount - offset));
                Fill(inputs, how, entry, offset, sums, chunk);
                stream.Write(chunk);
                done += chunk.Length;
                progress?.Invoke(done, total);
            }
        });
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

    private static void Fill(
        IReadOnlyList<NamedTensors> inputs, Blend how, TensorEntry entry, long offset, double[] sums, Span<byte> chunk)
    {
        if (how.CopyOf is not null || !TensorFolder.IsFloating(entry.Type))
        {
            inputs[how.CopyOf ?? 0].Read(entry.Name, offset, chunk);
            return;
        }
        if (!StoredNumbers.CanSum(entry.Type))
            throw new RunException(ExitCode.ModelFile, $"{inputs[0].Path}: {entry} cannot be summed; "
                + "expected F32, BF16 or F16. Convert the model first.");
        Span<double> part = sums.AsSpan(0, chunk.Length / entry.Type.Size());
        part.Fill(-0.0);        // unlike +0, it leaves the sign of every zero that is added
        foreach (var (input, weight) in how.Terms)
        {
            inputs[input].Read(entry.Name, offset, chunk);
            StoredNumbers.Add(entry.Type, chunk, weight, part);
        }
        StoredNumbers.Round(entry.Type, part, how.Divisor, chunk);
    }

    private static TensorEntry Renamed(TensorEntry entry, string name) => new(name, entry.Type, entry.Shape);

    private static string Some(string[] names) =>
        $"'{YamlNode.Shown(names[0])}'" + (names.Length > 1 ? $" and {names.Length - 1} more" : "");
}
