using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>Adapters of blocks on disk: a description in JSON, and adapter_model.safetensors in F32.</summary>
/// <remarks>
/// Prefixes are stored as PEFT stores them, see <see cref="PrefixFile"/>. For bottlenecks and fusions PEFT has no
/// format: block_adapter.json names kind, widths and what is fused, and every tensor is called as its parameter. A
/// head lies in the same file. What is missing, left over, of another shape or not finite is refused.
/// </remarks>
public static class BlockAdapterFolder
{
    public const string FileName = "block_adapter.json";

    private const string BaseName = "adapter_model", BottleneckKind = "bottleneck", FusionKind = "fusion";
    private const int Format = 1, MostAdapters = 1024, MostWidth = 1 << 20;

    /// <summary>Numbers that may be missing here: the tensor at fault is named later.</summary>
    private const long Harmless = 1 << 22;

    /// <summary>Whether a folder holds adapters of blocks.</summary>
    /// <exception cref="RunException">Exit 4: its description is malformed.</exception>
    public static bool IsAt(string path)
    {
        if (File.Exists(Path.Combine(path, FileName)))
            return true;
        string peft = Path.Combine(path, PrefixFile.FileName);
        if (!File.Exists(peft))
            return false;
        using JsonDocument document = StrictJson.Load(peft, ExitCode.ModelFile);
        return new ConfigObject(document.RootElement, peft).Text("peft_type") == PrefixFile.PeftType;
    }

    /// <summary>What a folder says that it holds: a word for the kind, and widths or the length of a prefix.</summary>
    /// <exception cref="RunException">Exit 4: its description is malformed.</exception>
    public static (string Kind, IReadOnlyList<int> Sizes) Describe(string path)
    {
        string own = Path.Combine(path, FileName);
        bool isOwn = File.Exists(own);
        string description = isOwn ? own : Path.Combine(path, PrefixFile.FileName);
        using JsonDocument document = StrictJson.Load(description, ExitCode.ModelFile);
        var config = new ConfigObject(document.RootElement, description);
        return (isOwn ? Read(config) : new PrefixSettings { Length = PrefixFile.LengthOf(config) }) switch
        {
            PrefixSettings prefix => ("prefix", [prefix.Length]),
            FusionSettings fusion => (FusionKind, [.. fusion.Adapters.Select(adapter => adapter.Width)]),
            BottleneckSettings bottleneck => (BottleneckKind, [bottleneck.Width]),
            var other => throw new InvalidOperationException($"{other.GetType().Name} has no name."),
        };
    }

    /// <summary>The tensors of a folder, a head's among them.</summary>
    /// <exception cref="RunException">Exit 4: they are missing or malformed.</exception>
    public static TensorFolder Tensors(string path, Action<string> warn) => TensorFolder.Open(path, warn, BaseName);

    /// <summary>Adapters from a folder, marked for training; the model is left alone.</summary>
    /// <param name="head">Filled from the folder; null where its adapters have none.</param>
    /// <param name="warn">Told what is odd and does no harm.</param>
    /// <exception cref="RunException">Exit 4: malformed files, or adapters of another model.</exception>
    public static BlockAdapters Load(Model model, string path, Action<string> warn, ParameterSet? head = null)
    {
        string own = Path.Combine(path, FileName);
        bool isOwn = File.Exists(own);
        string description = isOwn ? own : Path.Combine(path, PrefixFile.FileName);
        using JsonDocument document = StrictJson.Load(description, ExitCode.ModelFile);
        var config = new ConfigObject(document.RootElement, description);
        BlockAdapterSettings settings = isOwn ? Read(config) : PrefixFile.Read(config, model, warn);
        using TensorFolder tensors = Tensors(path, warn);
        RequireEnough(tensors, model, settings);
        BlockAdapters adapters = BlockAdapters.Create(model, settings);
        try
        {
            Fill(tensors, model, adapters, head, static parameter => parameter.Value);
            return adapters;
        }
        catch
        {
            adapters.Dispose();
            throw;
        }
    }

    /// <summary>Reads the numbers of a folder that <see cref="Load"/> has read elsewhere than into the adapters, as
    /// into masters.</summary>
    /// <param name="targetOf">What the numbers of a parameter, or of the head's, are read into.</param>
    /// <exception cref="RunException">Exit 4: malformed files, or other adapters.</exception>
    internal static void Fill(
        Model model, string path, BlockAdapters adapters, ParameterSet head, Func<Parameter, Tensor> targetOf)
    {
        using TensorFolder tensors = TensorFolder.Open(path, _ => { }, BaseName);       // loading it said what is odd
        Fill(tensors, model, adapters, head, targetOf);
    }

    /// <summary>Writes adapters into a folder that is being written: the same values, the same bytes.</summary>
    /// <param name="head">Stored with them, as it is called; null for none.</param>
    /// <param name="baseName">Folder or published name of the base, for those who read PEFT's files.</param>
    /// <param name="valueOf">What is stored of a parameter; its value if not given.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    /// <exception cref="RunException">Exit 6: the files could not be written.</exception>
    public static long Write(
        FolderOutput output, Model model, BlockAdapters adapters, ParameterSet? head = null, string? baseName = null,
        Func<Parameter, Tensor>? valueOf = null)
    {
        var (name, description) = adapters.Settings switch
        {
            PrefixSettings prefix => (PrefixFile.FileName, PrefixFile.Config(
                model, prefix, head is null ? null : "TOKEN_CLS", baseName)),
            BottleneckSettings bottleneck => (FileName, Described(BottleneckKind, ("width", bottleneck.Width))),
            FusionSettings fusion => (FileName, Described(
                FusionKind, ("adapters", new JsonArray([.. fusion.Adapters.Select(it => JsonValue.Create(it.Name))])),
                ("widths", new JsonArray([.. fusion.Adapters.Select(it => JsonValue.Create(it.Width))])))),
            var other => throw new ArgumentException($"{other.GetType().Name} has no format.", nameof(adapters)),
        };
        byte[] text = Bytes(description);
        output.Write(name, stream => stream.Write(text), text.Length);
        Dictionary<string, Tensor[]> tensors = Layout(
            model, adapters, head, valueOf ?? (static parameter => parameter.Value));
        using var staging = new TensorStaging(model.Backend);
        TensorFolderWriter.Write(
            output, Entries(model, adapters, head),
            (entry, stream) =>
            {
                foreach (Tensor part in tensors[entry.Name])
                    staging.Write(part, entry.Type, stream);
            },
            BaseName, long.MaxValue);
        return staging.NonFiniteWritten;
    }

    /// <summary>Writes a folder of its own, complete or not at all.</summary>
    /// <exception cref="RunException">Exit 5: numbers are not finite. Exit 6: the files could not be written.
    /// </exception>
    /// <inheritdoc cref="Write"/>
    public static void Save(
        string path, Model model, BlockAdapters adapters, ParameterSet? head = null, string? baseName = null)
    {
        using var output = new FolderWriter(path);
        if (Write(output, model, adapters, head, baseName) is > 0 and var count)
            throw new RunException(
                ExitCode.Numerics, $"{path}: {count} numbers of the adapter are not finite. Nothing is written.");
        output.Complete();
    }

    private static BlockAdapterSettings Read(ConfigObject config)
    {
        if (config.Whole("format", 0, int.MaxValue, fallback: 0) is var format && format != Format)
            throw config.Refuse($"format is {format}, expected {Format}.");
        if (config.Text("activation") is var activation && activation != "gelu")
            throw config.Refuse(
                $"activation is \"{YamlNode.Shown(activation ?? "null")}\", and only \"gelu\" is known.");
        string? kind = config.Text("kind");
        BlockAdapterSettings settings = kind switch
        {
            BottleneckKind => new BottleneckSettings { Width = config.Whole("width", 1, MostWidth, fallback: 0) },
            FusionKind => FusionOf(config),
            _ => throw config.Refuse($"kind is \"{YamlNode.Shown(kind ?? "null")}\", expected bottleneck or fusion."),
        };
        if (settings is BottleneckSettings { Width: 0 })
            throw config.Refuse("width is missing.");
        return config.Unread.FirstOrDefault().Key is { } unknown
            ? throw config.Refuse($"'{YamlNode.Shown(unknown)}' is not known.")
            : settings;
    }

    private static FusionSettings FusionOf(ConfigObject config)
    {
        IReadOnlyList<string> names = config.Texts("adapters") ?? [];
        IReadOnlyList<int> widths = config.Wholes("widths", 1, MostWidth) ?? [];
        if (names.Count is 0 or > MostAdapters || names.Count != widths.Count || names.Distinct().Count() < names.Count)
            throw config.Refuse(
                $"there are {names.Count} adapters and {widths.Count} widths, expected a width for each of 1 to "
                + $"{MostAdapters} different adapters.");
        return new FusionSettings { Adapters = [.. names.Zip(widths)] };
    }

    /// <summary>Refuses a description that asks for more numbers than there are, before memory is taken.</summary>
    private static void RequireEnough(TensorFolder tensors, Model model, BlockAdapterSettings settings)
    {
        long needed = settings switch
        {
            PrefixSettings prefix => 2L * prefix.Length * model.Sites.Sum(site => (long)site.KeyWidth),
            BottleneckSettings bottleneck => 2L * bottleneck.Width * model.Sites.Sum(site => (long)site.Width),
            FusionSettings fusion => 2L * fusion.Adapters.Sum(it => (long)it.Width)
                * model.Sites.Sum(site => (long)site.Width),
            _ => 0,
        };
        long stored = tensors.Entries.Sum(entry => entry.ElementCount);
        if (needed > stored + Harmless)
            throw SafeTensorsHeader.Refuse(
                tensors.Path, SafeTensorsFault.MissingTensor, FormattableString.Invariant(
                    $"the description asks for {needed} numbers at least, and {stored} are stored."));
    }

    private static void Fill(
        TensorFolder tensors, Model model, BlockAdapters adapters, ParameterSet? head,
        Func<Parameter, Tensor> targetOf)
    {
        TensorEntry[] needed = Entries(model, adapters, head);
        if (tensors.Require(needed, "the adapter") is [var unknown, ..])
            throw SafeTensorsHeader.Refuse(
                tensors.Path, SafeTensorsFault.UnexpectedTensor, $"{unknown} is no part of the adapter or its head.");
        Dictionary<string, Tensor[]> layout = Layout(model, adapters, head, targetOf);
        using var staging = new TensorStaging(model.Backend);
        foreach (TensorEntry entry in needed)
        {
            DType type = tensors.Find(entry.Name)!.Type;            // required above
            long start = 0, nonFinite = 0;
            foreach (Tensor part in layout[entry.Name])
            {
                long first = start;
                nonFinite += staging.Fill(
                    type, (offset, bytes) => tensors.Read(entry.Name, first + offset, bytes), part);
                start += part.Length * type.Size();
            }

            if (nonFinite > 0)
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{tensors.Path}: {nonFinite} numbers of '{entry.Name}' are not finite, so the adapter cannot be "
                    + "used.");
        }
    }

    private static TensorEntry[] Entries(Model model, BlockAdapters adapters, ParameterSet? head) =>
    [
        .. adapters.Settings is PrefixSettings prefix
            ? (TensorEntry[])[PrefixFile.Entry(model, prefix)]
            : [.. adapters.Parameters.All.Select(it => ParameterLayout.Entry(it.Name, DType.F32, it.Value.Shape))],
        .. (head?.All ?? []).Select(it => ParameterLayout.Entry(HeadName(adapters, it), DType.F32, it.Value.Shape)),
    ];

    /// <summary>What each tensor of the file consists of, part after part.</summary>
    private static Dictionary<string, Tensor[]> Layout(
        Model model, BlockAdapters adapters, ParameterSet? head, Func<Parameter, Tensor> valueOf)
    {
        var layout = adapters.Settings is PrefixSettings prefix
            ? new Dictionary<string, Tensor[]>
            {
                [PrefixFile.Entry(model, prefix).Name] =
                    [.. PrefixFile.Rows(model, name => valueOf(adapters.Parameters[name]), prefix.Length)],
            }
            : adapters.Parameters.All.ToDictionary(it => it.Name, it => (Tensor[])[valueOf(it)]);
        foreach (Parameter parameter in head?.All ?? [])
            layout.Add(HeadName(adapters, parameter), [valueOf(parameter)]);
        return layout;
    }

    private static string HeadName(BlockAdapters adapters, Parameter parameter) =>
        adapters.Settings is PrefixSettings ? PrefixFile.HeadPrefix + parameter.Name : parameter.Name;

    private static JsonObject Described(string kind, params (string Key, JsonNode Value)[] rest)
    {
        var description = new JsonObject { ["format"] = Format, ["kind"] = kind, ["activation"] = "gelu" };
        foreach (var (key, value) in rest)
            description.Add(key, value);
        return description;
    }

    private static byte[] Bytes(JsonObject description)
    {
        var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            description.WriteTo(writer);
        return stream.ToArray();
    }
}
