using System.Globalization;
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
/// stores whole take the places of the base's; a head that the base lacks is added. A tensor is read some rows at a
/// time. lora-sharing.md 4.5.
/// </remarks>
public sealed class MergeLora
{
    private const int ChunkBytes = 1 << 22;

    private readonly TensorFolder _base;
    private readonly PeftFolder _adapter;
    private readonly LoraMergePlan _plan;
    private readonly MergeOutput _output;
    private readonly int _sign;
    private readonly long _all;
    private long _done;

    private MergeLora(TensorFolder source, PeftFolder adapter, LoraMergePlan plan, MergeOutput output, int sign)
    {
        (_base, _adapter, _plan, _output, _sign) = (source, adapter, plan, output, sign);
        _all = plan.Entries.Sum(entry => entry.ByteCount);
    }

    /// <param name="takeOut">Subtract instead: from a merged model back to its base, within a rounding of each.</param>
    /// <param name="allowOtherBase">Only warn where the adapter was trained on other weights.</param>
    /// <exception cref="RunException">Exit 3: the output. Exit 4: the inputs. Exit 6: the disk.</exception>
    public static void Run(
        MergeInput model, string adapterFolder, MergeOutput output, TiedHead tied = TiedHead.Refuse,
        bool takeOut = false, bool allowOtherBase = false)
    {
        Merge.CheckOutput([(model, "base"), (new MergeInput("adapter", adapterFolder), "adapter")], output);
        using PeftFolder adapter = PeftFolder.Open(adapterFolder, output.Warn);
        AdapterState? state = AdapterState.Read(adapterFolder);
        if (!takeOut)
            state?.Require(
                adapterFolder, AdapterState.HashesOf(model.Folder), labels: null,
                tokenizerSha256: null, allowOtherBase ? output.Warn : null);
        ModelConfig config = ModelConfigReader.Read(Path.Combine(model.Folder, ModelConfigReader.FileName)).Config;
        using TensorFolder source = TensorFolder.Open(model.Folder, output.Warn);
        var plan = new LoraMergePlan(source, config, adapter, takeOut, tied, output.Warn);
        var merge = new MergeLora(source, adapter, plan, output, takeOut ? -1 : 1);
        using var writer = new FolderWriter(output.Folder, output.FileSystem) { KeepsDigests = false };
        TensorFolderWriter.Write(writer, plan.Entries, merge.Write);
        string[] labels = plan.BringsHead && state is not null ? [.. state.Labels] : [];
        if (plan.IsUntied || labels.Length > 0)
            WriteConfig(model.Folder, writer, plan.IsUntied, labels);
        var parameters = new JsonObject { ["take_out"] = takeOut, ["tied"] = EnumWord.Of(tied) };
        writer.Write(MergeManifest.FileName, stream => MergeManifest.Write(
            stream, "lora", parameters,
            new JsonArray(
                MergeManifest.Describe(model, "base", new Dictionary<string, string>()),
                MergeManifest.Describe(
                    new MergeInput("adapter", adapterFolder), "adapter", new Dictionary<string, string>()))));
        TensorFolderWriter.CopyOthers(model.Folder, writer);
        writer.Complete(output.Replace);
    }

    private void Write(TensorEntry entry, Stream stream)
    {
        LoraMergeSource source = _plan.SourceOf(entry.Name) ?? new LoraMergeSource(entry.Name);
        if (source is { Pair: null, Key: null })
        {
            Copy(entry, source.Name, stream);
            return;
        }

        if (!StoredNumbers.CanSum(entry.Type))
            throw _plan.Refuse(
                entry.Name, $"it is stored as {entry.Type}, which is not merged in; convert the base");
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

    /// <summary>A tensor of the adapter in the type that the merged one has.</summary>
    private void WriteStored(TensorEntry entry, string key, Stream stream)
    {
        DType type = Summable(key).Type;
        int most = ChunkBytes / sizeof(double);
        var (from, to) = (new byte[most * type.Size()], new byte[most * entry.Type.Size()]);
        var numbers = new double[most];
        long count = entry.ElementCount;
        for (long first = 0; first < count; first += most)
        {
            int some = (int)Math.Min(most, count - first);
            Span<byte> bytes = from.AsSpan(0, some * type.Size()), rounded = to.AsSpan(0, some * entry.Type.Size());
            _adapter.Tensors.Read(key, first * type.Size(), bytes);
            RequireFinite(key, type, bytes);
            Array.Clear(numbers);
            StoredNumbers.Add(type, bytes, 1, numbers.AsSpan(0, some));
            StoredNumbers.Round(entry.Type, numbers.AsSpan(0, some), 1, rounded);
            Put(rounded, stream);
        }
    }

    private void Copy(TensorEntry entry, string name, Stream stream)
    {
        var bytes = new byte[(int)Math.Min(ChunkBytes, entry.ByteCount)];
        for (long offset = 0; offset < entry.ByteCount; offset += bytes.Length)
        {
            Span<byte> some = bytes.AsSpan(0, (int)Math.Min(bytes.Length, entry.ByteCount - offset));
            _base.Read(name, offset, some);
            Put(some, stream);
        }
    }

    private void Put(ReadOnlySpan<byte> bytes, Stream stream)
    {
        _output.Stop?.ThrowIfStopRequested("merge");
        stream.Write(bytes);
        _done += bytes.Length;
        _output.Progress?.Invoke(_done, _all);
    }

    /// <summary>A or B of the adapter: the layout has held its shape against the base's.</summary>
    private double[] Numbers(string key)
    {
        TensorEntry entry = Summable(key);
        var bytes = new byte[entry.ByteCount];
        _adapter.Tensors.Read(key, bytes);
        RequireFinite(key, entry.Type, bytes);
        var numbers = new double[entry.ElementCount];
        StoredNumbers.Add(entry.Type, bytes, 1, numbers);
        return numbers;
    }

    private TensorEntry Summable(string key)
    {
        TensorEntry entry = _adapter.Tensors.Find(key)!;        // the layout took the key from there
        return StoredNumbers.CanSum(entry.Type) ? entry
            : throw _plan.Refuse(key, $"it is stored as {entry.Type}, expected F32, BF16 or F16");
    }

    private void RequireFinite(string key, DType type, ReadOnlySpan<byte> bytes)
    {
        if (FiniteCheck.Count(type, bytes) is > 0 and var count)
            throw _plan.Refuse(key, $"{count} of its numbers are not finite");
    }

    /// <summary>config.json as it is, but for the key that ties the two, and the names of a head's rows.</summary>
    private static void WriteConfig(string folder, FolderWriter writer, bool isUntied, string[] labels)
    {
        byte[] bytes = InputFile.ReadAllBytes(
            Path.Combine(folder, ModelConfigReader.FileName), ExitCode.ModelFile, StrictJson.MaxBytes);
        var config = (JsonObject)JsonNode.Parse(bytes)!;        // an object, as the reader has found
        if (isUntied)
        {
            config["tie_word_embeddings"] = false;
            if (config["text_config"] is JsonObject text)
                text["tie_word_embeddings"] = false;
        }

        if (labels.Length > 0)
        {
            config["id2label"] = new JsonObject(labels.Index().Select(label => KeyValuePair.Create(
                label.Index.ToString(CultureInfo.InvariantCulture), (JsonNode?)JsonValue.Create(label.Item))));
            config["label2id"] = new JsonObject(labels.Index().DistinctBy(label => label.Item).Select(
                label => KeyValuePair.Create(label.Item, (JsonNode?)JsonValue.Create(label.Index))));
        }

        writer.Write(ModelConfigReader.FileName, stream =>
        {
            using var json = new Utf8JsonWriter(
                stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
            config.WriteTo(json);
        });
    }
}
