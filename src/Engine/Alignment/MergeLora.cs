using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Alignment;

/// <summary>Adds an adapter to the weights of its base, from folders to a folder: W + scale · B A.</summary>
/// <remarks>
/// Sums in double, rounded once to the base's type; other tensors are copied byte for byte, and those that the adapter
/// stores whole take the places of the base's. A tensor is read some rows at a time. lora-sharing.md 4.5.
/// </remarks>
public sealed class MergeLora
{
    private const int ChunkBytes = 1 << 22;

    private readonly TensorFolder _base;
    private readonly PeftFolder _adapter;
    private readonly MergeOutput _output;
    private readonly int _sign;
    private readonly Dictionary<string, Source> _sources = new(StringComparer.Ordinal);
    private readonly List<TensorEntry> _entries = [];
    private long _done;

    private MergeLora(TensorFolder source, PeftFolder adapter, MergeOutput output, int sign) =>
        (_base, _adapter, _output, _sign) = (source, adapter, output, sign);

    /// <summary>How a tensor is made: the base's, perhaps with a pair added; or one that the adapter stores.</summary>
    private sealed record Source(string Name, PeftPair? Pair = null, string? Key = null);

    /// <param name="takeOut">Subtract instead: from a merged model back to its base, within a rounding of each.</param>
    /// <param name="allowOtherBase">Only warn where the adapter was trained on other weights.</param>
    /// <exception cref="RunException">Exit 3: the output. Exit 4: the inputs. Exit 6: the disk.</exception>
    public static void Run(
        MergeInput model, string adapterFolder, MergeOutput output, TiedHead tied = TiedHead.Refuse,
        bool takeOut = false, bool allowOtherBase = false)
    {
        Merge.CheckOutput([(model, "base"), (new MergeInput("adapter", adapterFolder), "adapter")], output);
        using PeftFolder adapter = PeftFolder.Open(adapterFolder, output.Warn);
        if (!takeOut && AdapterState.Read(adapterFolder) is { } state)
            state.Require(
                adapterFolder, AdapterState.HashesOf(model.Folder), labels: null, allowOtherBase ? output.Warn : null);
        using TensorFolder source = TensorFolder.Open(model.Folder, output.Warn);
        var merge = new MergeLora(source, adapter, output, takeOut ? -1 : 1);
        bool isUntied = merge.Plan(IsTied(model.Folder), tied);
        using var writer = new FolderWriter(output.Folder, output.FileSystem) { KeepsDigests = false };
        TensorFolderWriter.Write(writer, merge._entries, merge.Write);
        if (isUntied)
            WriteUntied(model.Folder, writer);
        var parameters = new JsonObject { ["take_out"] = takeOut, ["tied"] = EnumWord.Of(tied) };
        writer.Write(MergeManifest.FileName, stream => MergeManifest.Write(
            stream, "lora", parameters,
            [
                MergeManifest.Describe(model, "base", new Dictionary<string, string>()),
                MergeManifest.Describe(
                    new MergeInput("adapter", adapterFolder), "adapter", new Dictionary<string, string>()),
            ]));
        TensorFolderWriter.CopyOthers(model.Folder, writer);
        writer.Complete(output.Replace);
    }

    /// <summary>Finds what every tensor is made of.</summary>
    /// <returns>Whether the head becomes a tensor of its own.</returns>
    private bool Plan(bool isTied, TiedHead tied)
    {
        foreach (TensorEntry entry in _base.Entries)
        {
            _entries.Add(new TensorEntry(entry.Name, entry.Type, entry.Shape));
            _sources.Add(entry.Name, new Source(entry.Name));
        }

        string? table = _sources.Keys.FirstOrDefault(
            name => name.EndsWith(ParameterLayout.Embedding, StringComparison.Ordinal));
        bool hasHead = isTied && table is not null && !_sources.ContainsKey(ParameterLayout.Head);
        var shapes = _entries.Where(entry => entry.Shape.Count is 1 or 2).ToDictionary(
            entry => entry.Name, entry => ShapeOf(entry), StringComparer.Ordinal);
        if (hasHead)
            shapes.Add(ParameterLayout.Head, shapes[table!]);
        PeftLayout layout = _adapter.LayoutOn(shapes, [.. shapes
            .Where(shape => shape.Value.Rank == 2 && shape.Key.EndsWith(".weight", StringComparison.Ordinal)
                && shape.Key.Contains(".layer", StringComparison.Ordinal))
            .Select(shape => shape.Key[..^".weight".Length])]);
        if (_sign < 0 && layout.Stored.Count > 0)
            throw Refuse(layout.Stored.Values.First(), "what an adapter stores whole cannot be taken out");
        if (layout.Ignored.Count > 0)
            _output.Warn($"{_adapter.Path}: {layout.Ignored.Count} tensors are left out: the base has no pooler.");
        foreach (PeftPair pair in layout.Pairs)
            _sources[$"{pair.Module}.weight"] = new Source($"{pair.Module}.weight", pair);
        foreach (var (name, key) in layout.Stored)
            _sources[name] = new Source(name, Key: key);
        return hasHead && SettleHead(table!, tied);
    }

    /// <summary>Decides about a head without a tensor of its own.</summary>
    private bool SettleHead(string table, TiedHead tied)
    {
        _sources.Remove(ParameterLayout.Head, out Source? head);
        Source embedding = _sources[table];
        string? changed = head?.Pair?.A ?? head?.Key ?? embedding.Pair?.A ?? embedding.Key;
        if (changed is null)
            return false;
        if (tied == TiedHead.Refuse)
            throw Refuse(changed, "it changes the embedding or the head alone, and in this base the two are one "
                + "tensor; choose to untie them, or to change both");
        if (tied == TiedHead.Shared)
        {
            if (head is not null && (embedding.Pair is not null || embedding.Key is not null))
                throw Refuse(changed, "the adapter changes the embedding and the head, so they cannot share a change");
            _sources[table] = (head ?? embedding) with { Name = table };
            return false;
        }

        TensorEntry entry = _base.Find(table)!;         // the base's own
        _entries.Add(new TensorEntry(ParameterLayout.Head, entry.Type, entry.Shape));
        _sources[ParameterLayout.Head] = (head ?? new Source(table)) with { Name = table };
        return true;
    }

    private void Write(TensorEntry entry, Stream stream)
    {
        Source source = _sources[entry.Name];
        if (source is { Pair: null, Key: null })
        {
            Copy(entry, (offset, bytes) => _base.Read(source.Name, offset, bytes), stream);
            return;
        }

        if (!StoredNumbers.CanSum(entry.Type))
            throw Refuse(entry.Name, $"its base is stored as {entry.Type}, which is not merged in; convert the base");
        if (source.Key is { } key)
            WriteStored(entry, key, stream);
        else
            WriteSum(entry, source.Name, source.Pair!, stream);     // one of the two is there
    }

    private void WriteSum(TensorEntry entry, string name, PeftPair pair, Stream stream)
    {
        var product = new LoraProduct(Numbers(pair.A), Numbers(pair.B), pair.Rank, _sign * (double)pair.Scale);
        int rowBytes = checked(product.Cols * entry.Type.Size());
        int rows = Math.Max(1, ChunkBytes / rowBytes);
        var bytes = new byte[rows * rowBytes];
        for (long row = 0; row < entry.Shape[0]; row += rows)
        {
            Memory<byte> some = bytes.AsMemory(0, (int)Math.Min(rows, entry.Shape[0] - row) * rowBytes);
            _base.Read(name, row * rowBytes, some.Span);
            product.AddTo(entry.Type, row, some);
            Put(some.Span, stream);
        }
    }

    private void WriteStored(TensorEntry entry, string key, Stream stream)
    {
        double[] numbers = Numbers(key);
        var bytes = new byte[entry.ByteCount];
        StoredNumbers.Round(entry.Type, numbers, 1, bytes);
        Put(bytes, stream);
    }

    private void Copy(TensorEntry entry, ReadTensorBytes read, Stream stream)
    {
        var bytes = new byte[(int)Math.Min(ChunkBytes, entry.ByteCount)];
        for (long offset = 0; offset < entry.ByteCount; offset += bytes.Length)
        {
            Span<byte> some = bytes.AsSpan(0, (int)Math.Min(bytes.Length, entry.ByteCount - offset));
            read(offset, some);
            Put(some, stream);
        }
    }

    private void Put(ReadOnlySpan<byte> bytes, Stream stream)
    {
        _output.Stop?.ThrowIfStopRequested("merge");
        stream.Write(bytes);
        _done += bytes.Length;
        _output.Progress?.Invoke(_done, _entries.Sum(entry => entry.ByteCount));
    }

    /// <summary>A tensor of the adapter, whole: the layout has held its shape against the base's.</summary>
    private double[] Numbers(string key)
    {
        TensorEntry entry = _adapter.Tensors.Find(key)!;        // the layout took the key from there
        if (!StoredNumbers.CanSum(entry.Type))
            throw Refuse(key, $"it is stored as {entry.Type}, expected F32, BF16 or F16");
        var bytes = new byte[entry.ByteCount];
        _adapter.Tensors.Read(key, bytes);
        if (FiniteCheck.Count(entry.Type, bytes) is > 0 and var count)
            throw Refuse(key, $"{count} of its numbers are not finite");
        var numbers = new double[entry.ElementCount];
        StoredNumbers.Add(entry.Type, bytes, 1, numbers);
        return numbers;
    }

    private RunException Refuse(string tensor, string why) =>
        new(ExitCode.ModelFile, $"{_adapter.Path}: '{YamlNode.Shown(tensor)}' cannot be merged: {why}.");

    private static Shape ShapeOf(TensorEntry entry) =>
        entry.Shape.Count == 1 ? new Shape(entry.Shape[0]) : new Shape(entry.Shape[0], entry.Shape[1]);

    private static bool IsTied(string folder)
    {
        string path = Path.Combine(folder, ModelConfigReader.FileName);
        return ModelConfigReader.Read(path).Config is DecoderConfig { TiedHead: true };
    }

    /// <summary>config.json as it is, but for the key that ties the two.</summary>
    private static void WriteUntied(string folder, FolderWriter writer)
    {
        byte[] bytes = InputFile.ReadAllBytes(
            Path.Combine(folder, ModelConfigReader.FileName), ExitCode.ModelFile, StrictJson.MaxBytes);
        var config = (JsonObject)JsonNode.Parse(bytes)!;        // an object, as the reader has found
        config["tie_word_embeddings"] = false;
        if (config["text_config"] is JsonObject text)
            text["tie_word_embeddings"] = false;
        writer.Write(ModelConfigReader.FileName, stream =>
        {
            using var json = new Utf8JsonWriter(
                stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
            config.WriteTo(json);
        });
    }
}
