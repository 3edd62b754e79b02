using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>An adapter as PEFT stores it: adapter_config.json and adapter_model.safetensors.</summary>
/// <remarks>lora-sharing.md 5. A named adapter lies in a folder of its name inside that of the others.</remarks>
public sealed class PeftFolder : IDisposable
{
    internal const string BaseName = "adapter_model";

    private readonly TensorFolder _tensors;

    private PeftFolder(PeftConfig config, TensorFolder tensors) => (Config, _tensors) = (config, tensors);

    public PeftConfig Config { get; }

    public string Path => _tensors.Path;

    /// <summary>Keys, types and shapes as they are stored.</summary>
    public IReadOnlyList<TensorEntry> Entries => _tensors.Entries;

    internal TensorFolder Tensors => _tensors;

    /// <summary>Whether a folder holds an adapter.</summary>
    public static bool IsAt(string path) => File.Exists(System.IO.Path.Combine(path, PeftConfig.FileName));

    /// <param name="name">Of the adapter, where the folder holds several; null for the one without a name.</param>
    /// <param name="warn">Told what is odd and does no harm.</param>
    /// <exception cref="RunException">Exit 4: malformed files, or an adapter that is not known here.</exception>
    public static PeftFolder Open(string path, Action<string> warn, string? name = null)
    {
        if (name is not (null or "default"))
        {
            if (name != System.IO.Path.GetFileName(name) || name is "." or "..")
                throw new RunException(
                    ExitCode.Usage, $"'{YamlNode.Shown(name)}' is no name of an adapter: it has to be one folder's.");
            path = System.IO.Path.Combine(path, name);
        }

        if (BlockAdapterFolder.IsAt(path))
            throw new RunException(
                ExitCode.ModelFile, $"{path}: holds an adapter of another kind than LoRA ("
                + $"{BlockAdapterFolder.Describe(path).Kind}). Only LoRA can be merged, and scored on "
                + "plain text; `eval --slots` scores labels of words.");
        if (!IsAt(path))
            throw new RunException(ExitCode.ModelFile, Directory.Exists(path)
                ? $"{path}: has no {PeftConfig.FileName}, so it holds no adapter.{Named(path)}"
                : $"{path}: there is no such folder; expected one with {PeftConfig.FileName} and "
                    + $"{BaseName}.safetensors, as PEFT or a run here saves an adapter.");
        if (!File.Exists(System.IO.Path.Combine(path, $"{BaseName}.safetensors"))
            && File.Exists(System.IO.Path.Combine(path, $"{BaseName}.bin")))
            throw new RunException(
                ExitCode.ModelFile, $"{path}: has its tensors in {BaseName}.bin, a pickle, which can run any code when "
                + "it is read. Save the adapter as safetensors with the tool that made it: that is PEFT's default "
                + "today.");
        PeftConfig config = PeftConfig.Read(System.IO.Path.Combine(path, PeftConfig.FileName), warn);
        return new PeftFolder(config, TensorFolder.Open(path, warn, BaseName));
    }

    /// <summary>What the tensors are to a base.</summary>
    /// <inheritdoc cref="PeftLayout(TensorFolder, PeftConfig, IReadOnlyDictionary{string, Shape},
    /// IReadOnlyCollection{string})"/>
    public PeftLayout LayoutOn(IReadOnlyDictionary<string, Shape> parameters, IReadOnlyCollection<string> linears) =>
        new(_tensors, Config, parameters, linears);

    /// <summary>Puts the adapter on a model, and what is stored whole into the parameters of its name.</summary>
    /// <param name="head">Parameters beside the model's, such as those of a classifier.</param>
    /// <param name="warn">Told what is left out.</param>
    /// <param name="place">Of the adapters in their layers, where several share the model.</param>
    /// <returns>The adapters, marked for training; dispose them before the model.</returns>
    /// <exception cref="RunException">Exit 4: tensors that do not fit, a head that is asked for and not there, or
    /// numbers that are not finite.</exception>
    public Lora Attach(Model model, Action<string> warn, ParameterSet? head = null, int place = 0)
    {
        PeftLayout layout = LayoutOn(model, head);
        if (layout.Ignored.Count > 0)
            warn($"{Path}: {layout.Ignored.Count} tensors are left out: the pooler is no part of the model here.");
        if (layout.Heads.Count > 0 && head is not null)
            throw new RunException(
                ExitCode.ModelFile, $"{Path}: '{layout.Heads.Values.First()}' is of another head than the one here.");
        if (head?.All.FirstOrDefault(it => !layout.Stored.ContainsKey(it.Name)) is { } missing)
            throw new RunException(
                ExitCode.ModelFile, $"{Path}: has no '{missing.Name}', expected {missing} in it. The adapter was "
                + "trained without a head of this kind, or without the head in modules_to_save.");
        if (layout.Heads.Count > 0)
            warn($"{Path}: {layout.Heads.Count} tensors of its head are left out: nothing here reads it.");
        RequireUntied(layout, model);
        var pairs = layout.Pairs.ToDictionary(pair => pair.Module, StringComparer.Ordinal);
        foreach (string module in pairs.Keys.Except(model.Linears.Select(linear => linear.Name)))
            throw new RunException(
                ExitCode.ModelFile, $"{Path}: '{pairs[module].A}' adapts the output head, which has no adapter in "
                + "memory here. Merge the adapter into its base, and use the merged model.");
        Lora lora = Lora.Attach(
            model, Config.Settings,
            name => pairs.TryGetValue(name, out PeftPair? pair) ? (pair.Rank, pair.Scale) : null, place);
        try
        {
            Fill(layout, lora, model, head);
            return lora;
        }
        catch
        {
            lora.Dispose();
            throw;
        }
    }

    /// <summary>Replaces the numbers of an adapter that is attached by those of the folder.</summary>
    /// <exception cref="RunException">Exit 4: it is another adapter, or numbers are not finite.</exception>
    internal void FillInto(Lora lora, Model model)
    {
        PeftLayout layout = LayoutOn(model, head: null);
        foreach (PeftPair pair in layout.Pairs)
            if (!lora.Parameters.TryGet(pair.Module + LoraNames.A, out Parameter? a) || a.Value.Rows != pair.Rank)
                throw new RunException(
                    ExitCode.ModelFile, $"{Path}: '{pair.A}' is of another adapter than the one that is trained.");
        if (layout.Pairs.Count != lora.Linears.Count)
            throw new RunException(
                ExitCode.ModelFile,
                $"{Path}: has {layout.Pairs.Count} pairs of tensors, expected {lora.Linears.Count}.");
        Fill(layout, lora, model, head: null);
    }

    /// <summary>Refuses an embedding that is stored whole where the model scores with it as well.</summary>
    private void RequireUntied(PeftLayout layout, Model model)
    {
        if (ParameterLayout.TiedTable(model.Config) is { } table && layout.Stored.TryGetValue(table, out string? key))
            throw new RunException(
                ExitCode.ModelFile, $"{Path}: '{key}' changes the embedding alone, and in this model it is the output "
                + "head as well. Merge the adapter into its base, which can untie the two, and use the merged model.");
    }

    private PeftLayout LayoutOn(Model model, ParameterSet? head) => LayoutOn(
        model.Parameters.All.Concat(head?.All ?? [])
            .ToDictionary(parameter => parameter.Name, parameter => parameter.Value.Shape),
        [.. model.Linears.Select(linear => linear.Name)]);

    private void Fill(PeftLayout layout, Lora lora, Model model, ParameterSet? head)
    {
        using var staging = new TensorStaging(model.Backend);
        foreach (var (key, value) in Values(layout, lora, model, head))
            Fill(staging, key, value);
    }

    /// <summary>Keys of the file, and what they are stored for.</summary>
    private static IEnumerable<(string Key, Tensor Value)> Values(
        PeftLayout layout, Lora lora, Model model, ParameterSet? head)
    {
        foreach (PeftPair pair in layout.Pairs)
        {
            yield return (pair.A, lora.Parameters[pair.Module + LoraNames.A].Value);
            yield return (pair.B, lora.Parameters[pair.Module + LoraNames.B].Value);
        }

        foreach (var (parameter, key) in layout.Stored)
            yield return (
                key,
                head is not null && head.TryGet(parameter, out Parameter? its) ? its.Value
                    : model.Parameters[parameter].Value);
    }

    /// <summary>Reads a tensor's numbers into device memory.</summary>
    /// <param name="key">As it is stored.</param>
    /// <exception cref="RunException">Exit 4: a number is not finite.</exception>
    internal void Fill(TensorStaging staging, string key, Tensor target)
    {
        TensorEntry entry = _tensors.Find(key)!;        // keys come from the folder
        if (staging.Fill(entry.Type, (offset, bytes) => _tensors.Read(key, offset, bytes), target) is > 0 and var count)
            throw new RunException(
                ExitCode.ModelFile,
                $"{Path}: {count} numbers of '{key}' are not finite, so the adapter cannot be used.");
    }

    /// <summary>Writes an adapter into a folder that is being written, as PEFT does: the same values, the same bytes.
    /// </summary>
    /// <param name="values">What is stored, under the names of parameters: A and B, and what is stored whole.</param>
    /// <param name="type">Of the stored numbers.</param>
    /// <param name="isBare">Leave out the first component of names, but not of what is stored whole.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    /// <exception cref="RunException">Exit 6: the files could not be written.</exception>
    public static long Write(
        FolderOutput output, PeftConfig config, IReadOnlyList<(string Name, Tensor Value)> values, Backend backend,
        Func<string, DType> type, bool isBare = false)
    {
        byte[] text = PeftConfigWriter.Write(config);
        output.Write(PeftConfig.FileName, stream => stream.Write(text), text.Length);
        Dictionary<string, (string Name, Tensor Value)> byKey = values.ToDictionary(
            value => LoraNames.Prefix + (isBare && LoraNames.ModuleOf(value.Name) is not null
                ? LoraNames.Bare(value.Name) : value.Name), StringComparer.Ordinal);
        using var staging = new TensorStaging(backend);
        TensorFolderWriter.Write(
            output,
            [.. byKey.Select(value => ParameterLayout.Entry(
                value.Key, type(value.Value.Name), value.Value.Value.Shape))],
            (entry, stream) => staging.Write(byKey[entry.Name].Value, entry.Type, stream), BaseName, long.MaxValue);
        return staging.NonFiniteWritten;
    }

    /// <summary>Writes a folder of its own, complete or not at all; every number is stored as F32, as PEFT does.
    /// </summary>
    /// <inheritdoc cref="Write(FolderOutput, PeftConfig, IReadOnlyList{ValueTuple{string, Tensor}}, Backend,
    /// Func{string, DType}, bool)"/>
    public static void Save(
        string path, PeftConfig config, IReadOnlyList<(string Name, Tensor Value)> values, Backend backend,
        bool isBare = false)
    {
        using var output = new FolderWriter(path);
        if (Write(output, config, values, backend, _ => DType.F32, isBare) is > 0 and var count)
            throw new RunException(
                ExitCode.Numerics, $"{path}: {count} numbers of the adapter are not finite. Nothing is written.");
        output.Complete();
    }

    /// <summary>Writes this adapter anew, complete or not at all, with the numbers that it has by now (rounded ones on
    /// a model in BF16): under its keys and in its types, and byte for byte what nothing here reads, such as the pair
    /// of a pooler.</summary>
    /// <param name="lora">What <see cref="Attach"/> has put on the model.</param>
    /// <param name="head">As there.</param>
    /// <exception cref="RunException">Exit 5: numbers are not finite. Exit 6: the files could not be written.
    /// </exception>
    public void SaveAgain(string path, Lora lora, Model model, ParameterSet? head = null)
    {
        var values = Values(LayoutOn(model, head), lora, model, head)
            .ToDictionary(place => place.Key, place => place.Value, StringComparer.Ordinal);
        using var output = new FolderWriter(path);
        byte[] text = PeftConfigWriter.Write(Config);
        output.Write(PeftConfig.FileName, stream => stream.Write(text), text.Length);
        using var staging = new TensorStaging(model.Backend);
        TensorFolderWriter.Write(
            output,
            [.. Entries.Select(entry => new TensorEntry(
                entry.Name,
                // No device has F64, so that what was rounded when it was read is stored as it is.
                entry.Type == DType.F64 && values.ContainsKey(entry.Name) ? DType.F32 : entry.Type, entry.Shape))],
            (entry, stream) =>
            {
                if (values.TryGetValue(entry.Name, out Tensor value))
                    staging.Write(value, entry.Type, stream);
                else
                    Copy(entry, stream);
            }, BaseName, long.MaxValue);
        if (staging.NonFiniteWritten > 0)
            throw new RunException(
                ExitCode.Numerics,
                $"{path}: {staging.NonFiniteWritten} numbers of the adapter are not finite. Nothing is written.");
        output.Complete();
    }

    public void Dispose() => _tensors.Dispose();

    private void Copy(TensorEntry entry, Stream stream)
    {
        var bytes = new byte[(int)Math.Min(1 << 20, entry.ByteCount)];
        for (long offset = 0; offset < entry.ByteCount; offset += bytes.Length)
        {
            Span<byte> some = bytes.AsSpan(0, (int)Math.Min(bytes.Length, entry.ByteCount - offset));
            _tensors.Read(entry.Name, offset, some);
            stream.Write(some);
        }
    }

    private static string Named(string path)
    {
        string[] names = [.. Directory.GetDirectories(path).Where(IsAt).Order(StringComparer.Ordinal).Take(8)
            .Select(folder => System.IO.Path.GetFileName(folder))];
        return names.Length == 0
            ? ""
            : $" It has adapters by name: {string.Join(", ", names)}. Give one of these folders.";
    }
}
