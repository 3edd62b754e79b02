using System.Runtime.InteropServices;
using System.Text;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Alignment;

/// <summary>Model folders of a few kilobytes: an embedding, layers of three tensors, a final norm.</summary>
internal sealed class TinyModels : IDisposable
{
    public const int Layers = 6;

    private const string Config = "{\"model_type\": \"tiny\"}";

    private readonly TestFolder _folder = new();

    public static IReadOnlyList<string> Names { get; } =
    [
        "model.embed_tokens.weight",
        .. Enumerable.Range(0, Layers).SelectMany(i => new[]
        {
            $"model.layers.{i}.input_layernorm.weight",
            $"model.layers.{i}.mlp.up_proj.weight",
            $"model.layers.{i}.self_attn.q_proj.weight",
        }),
        "model.norm.weight",
    ];

    public string At(string name) => _folder.At(name);

    public MergeInput Input(string name) => new(name, At(name));

    public MergeOutput Output(string name) => new(At(name));

    /// <summary>A model whose numbers are drawn from the seed: about the size of trained weights.</summary>
    public MergeInput Create(
        string name, int seed, DType type = DType.BF16, string config = Config, string tokenizer = "{}",
        Func<string, IReadOnlyList<long>>? shape = null, IReadOnlyList<string>? names = null,
        long maxShardBytes = long.MaxValue)
    {
        var random = new Random(seed);
        return Write(name, type, config, tokenizer, shape ?? Shape, names ?? Names, maxShardBytes,
            () => (random.NextDouble() - 0.5) / 16);
    }

    /// <summary>A model whose every number is the same.</summary>
    public MergeInput Constant(string name, double value, DType type = DType.BF16) =>
        Write(name, type, Config, "{}", Shape, Names, long.MaxValue, () => value);

    /// <summary>The numbers of a tensor, widened.</summary>
    public double[] Values(string model, string tensor)
    {
        using TensorFolder folder = TensorFolder.Open(At(model), _ => { });
        byte[] bytes = Bytes(folder, tensor);
        return folder.Find(tensor)!.Type == DType.BF16
            ? [.. MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(x => (double)Bf16.ToSingle(x))]
            : [.. MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(x => (double)x)];
    }

    /// <summary>The bytes of every tensor.</summary>
    public Dictionary<string, byte[]> Tensors(string model)
    {
        using TensorFolder folder = TensorFolder.Open(At(model), _ => { });
        return folder.Entries.ToDictionary(entry => entry.Name, entry => Bytes(folder, entry.Name));
    }

    /// <summary>Asserts that every tensor has the bytes that it has in the model that a rule names.</summary>
    public void AssertCopies(string model, Func<string, string> sourceOf)
    {
        var sources = new Dictionary<string, Dictionary<string, byte[]>>();
        foreach (var (name, bytes) in Tensors(model))
        {
            string source = sourceOf(name);
            if (!sources.TryGetValue(source, out var tensors))
                sources.Add(source, tensors = Tensors(source));
            Assert.That(bytes, Is.EqualTo(tensors[name]), $"{name} as in {source}");
        }
    }

    public void Dispose() => _folder.Dispose();

    private static IReadOnlyList<long> Shape(string name) =>
        name.Contains("norm", StringComparison.Ordinal) ? [7]
        : name.Contains("embed", StringComparison.Ordinal) ? [33, 7]
        : [5, 7];

    private static byte[] Bytes(TensorFolder folder, string tensor)
    {
        var bytes = new byte[folder.Find(tensor)!.ByteCount];
        folder.Read(tensor, bytes);
        return bytes;
    }

    private MergeInput Write(
        string name, DType type, string config, string tokenizer, Func<string, IReadOnlyList<long>> shape,
        IReadOnlyList<string> names, long maxShardBytes, Func<double> next)
    {
        using var writer = new FolderWriter(At(name));
        TensorEntry[] entries = [.. names.Select(tensor => new TensorEntry(tensor, type, shape(tensor)))];
        TensorFolderWriter.Write(writer, entries, (entry, stream) =>
        {
            for (long i = 0; i < entry.ElementCount; i++)
                stream.Write(Stored(type, next()));
        }, maxShardBytes: maxShardBytes);
        writer.Write("config.json", stream => stream.Write(Encoding.UTF8.GetBytes(config)));
        writer.Write("tokenizer.json", stream => stream.Write(Encoding.UTF8.GetBytes(tokenizer)));
        writer.Complete();
        return Input(name);
    }

    private static byte[] Stored(DType type, double value) => type switch
    {
        DType.BF16 => BitConverter.GetBytes(Bf16.FromDouble(value)),
        DType.F16 => BitConverter.GetBytes((Half)value),
        DType.F64 => BitConverter.GetBytes(value),
        DType.I32 => BitConverter.GetBytes((int)(value * 1000)),
        _ => BitConverter.GetBytes((float)value),
    };
}
