using System.IO.Compression;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Bench;

/// <summary>Encodes a million bytes on one thread: MB/s is 1000 divided by the milliseconds.</summary>
/// <remarks>
/// Text is equal parts of all languages: of the samples, and of the 75 languages of ntrex128 where FASTCPT_DATA names
/// the data. The cache of words is warm, as in a long run, but holds a small part of them.
/// </remarks>
[InProcess, MemoryDiagnoser]
public class TokenizerBench
{
    private const int Bytes = 1_000_000;

    private readonly List<int> _ids = new(Bytes);
    private byte[] _text = [];
    private Tokenizer _tokenizer = null!;     // set up before it is used

    public static IEnumerable<string> Names => DataFolder is null
        ? ["trained 4096, samples"]
        : ["trained 4096, samples", "gpt2, ntrex128", "o200k_base, ntrex128", "xlm-roberta, ntrex128"];

    [ParamsSource(nameof(Names))]
    public string Name { get; set; } = "";

    private static string? DataFolder => Environment.GetEnvironmentVariable("FASTCPT_DATA") is { Length: > 0 } folder
        ? folder
        : null;

    [GlobalSetup]
    public void Load()
    {
        if (Name.StartsWith("trained", StringComparison.Ordinal))
        {
            byte[][] documents = [.. Directory.GetFiles(SampleFolder(), "*.jsonl.gz").Order().Select(Samples)];
            _text = EqualParts(documents);
            var options = new BpeTrainerOptions { VocabularySize = 4096 };
            _tokenizer = BpeTrainer.Train(documents.Select(text => new ReadOnlyMemory<byte>(text)), options).Tokenizer;
            return;
        }
        string folder = DataFolder!;      // the other names are given only where it is set
        string[] languages = Directory.GetFiles(Path.Combine(folder, "ntrex128"), "*.txt.gz");
        _text = EqualParts([.. languages.Order().Select(Unpack)]);
        string name = Name.Split(',')[0];
        _tokenizer = name == "xlm-roberta"
            ? Tokenizer.LoadXlmRoberta(Path.Combine(folder, "tokenizers", name, "sentencepiece.bpe.model"))
            : Tokenizer.Load(Path.Combine(folder, "tokenizers", name));
    }

    [Benchmark]
    public int Encode()
    {
        _ids.Clear();
        ReadOnlySpan<byte> rest = _text;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n') + 1;
            if (end == 0)
                end = rest.Length;
            _tokenizer.Encode(rest[..end], _ids);
            rest = rest[end..];
        }
        return _ids.Count;
    }

    private static byte[] EqualParts(byte[][] texts)
    {
        var mixed = new List<byte>(Bytes);
        foreach (byte[] text in texts)
            mixed.AddRange(text.AsSpan(0, Math.Min(text.Length, Bytes / texts.Length)));
        // Short texts leave room, which the first one fills.
        mixed.AddRange(texts[0].AsSpan(0, Math.Min(texts[0].Length, Bytes - mixed.Count)));
        return [.. mixed];
    }

    internal static byte[] Samples(string path)
    {
        var text = new MemoryStream();
        foreach (string line in System.Text.Encoding.UTF8.GetString(Unpack(path)).Split('\n'))
        {
            if (line.Length == 0)
                continue;
            using var document = JsonDocument.Parse(line);
            text.Write(System.Text.Encoding.UTF8.GetBytes(document.RootElement.GetProperty("text").GetString() + "\n"));
        }
        return text.ToArray();
    }

    private static byte[] Unpack(string path)
    {
        using var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        var text = new MemoryStream();
        packed.CopyTo(text);
        return text.ToArray();
    }

    internal static string SampleFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Directory.Exists(Path.Combine(folder.FullName, "samples")))
                return Path.Combine(folder.FullName, "samples");
        throw new InvalidOperationException("No folder 'samples' is above the bench.");
    }
}
