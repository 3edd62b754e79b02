using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>A study of seconds on made-up sentences of three locales, over a tiny pretrained encoder.</summary>
internal sealed class TinyAdapterStudy : IDisposable
{
    public static readonly string[] Locales = ["en-US", "de-DE", "th-TH"];

    private static readonly string[] Words =
        ["apple", "berry", "cedar", "delta", "eagle", "fjord", "grape", "hotel"];

    private static readonly string[] Types = ["date", "person", "time"];

    private const string Yaml = """
        kind: adapters
        name: tiny
        output_dir: out
        device: cpu
        threads: 1
        data: {files: "massive/{locale}.jsonl", locales: [en-US, de-DE, th-TH], max_length: 24}
        tokenizer: {vocabulary_size: 290}
        base:
          model: {architecture: xlm-roberta, hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2,
                  intermediate_size: 32, max_position_embeddings: 32, initializer_range: 0.1}
          training: {max_steps: 4, batch_size: 4, learning_rate: 1e-3, eval_steps: 0, save_steps: 0}
        strategies: [non_shared]
        lora: {ranks: [4]}
        training: {preset: smoke}

        """;

    private readonly TestFolder? _owned;

    /// <param name="conflicting">Whether every locale labels the same words by another map.</param>
    public TinyAdapterStudy(bool conflicting = true)
    {
        _owned = new TestFolder();
        Folder = _owned.Path;
        Directory.CreateDirectory(At("massive"));
        for (int i = 0; i < Locales.Length; i++)
            File.WriteAllText(At($"massive/{Locales[i]}.jsonl"), Sentences(Locales[i], i, conflicting));
        File.WriteAllText(YamlPath, Yaml);
    }

    private TinyAdapterStudy(string folder) => Folder = folder;

    public string Folder { get; }

    public string Output => At("out");

    /// <summary>The study of another process.</summary>
    public static TinyAdapterStudy Open(string folder) => new(folder);

    public AdapterStudyConfig Config(params IReadOnlyList<string> settings)
    {
        var layers = new ConfigLayers().AddFile(YamlPath);
        foreach (string setting in settings)
            layers.AddSetting(setting);
        return AdapterStudyConfig.Load(layers);
    }

    /// <summary>Runs the study to its end in a folder of its own.</summary>
    public AdapterStudyResults Run(string folder, params IReadOnlyList<string> settings) =>
        Run(Config([.. settings, $"output_dir={At(folder)}"]))!;

    /// <summary>Studies from here on start from the encoder that another one in a folder has pretrained.</summary>
    public void StartFrom(string folder)
    {
        string yaml = File.ReadAllText(YamlPath);
        int start = yaml.IndexOf("tokenizer:", StringComparison.Ordinal);
        int end = yaml.IndexOf("strategies:", StringComparison.Ordinal);
        File.WriteAllText(
            YamlPath,
            $"{yaml[..start]}tokenizer: {{path: {folder}/tokenizer}}\n"
            + $"base: {{model: {{path: {folder}/base/final}}}}\n{yaml[end..]}");
    }

    /// <param name="stopAfter">Requests a stop when a line that begins so is said.</param>
    /// <param name="said">Takes every line.</param>
    public static AdapterStudyResults? Run(
        AdapterStudyConfig config, IReadOnlyList<string>? only = null, string? stopAfter = null,
        List<string>? said = null)
    {
        using StopSignal stop = new(folder: null, _ => { });
        return Run(
            config, stop, FileSystem.Real, only, line =>
            {
                said?.Add(line);
                if (stopAfter is not null && line.StartsWith(stopAfter, StringComparison.Ordinal))
                    stop.RequestStop("the test");
            });
    }

    /// <param name="said">Told every line.</param>
    public static AdapterStudyResults? Run(
        AdapterStudyConfig config, StopSignal stop, FileSystem files, IReadOnlyList<string>? only, Action<string> said)
    {
        using var console = new WatchedWriter(said);
        Directory.CreateDirectory(config.OutputDir);
        return AdapterStudyRunner.Run(config, new StudyRun(config, stop, files, console, quiet: false), only ?? []);
    }

    private string YamlPath => At("study.yaml");

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>Paths and contents of all weights of the folder's states.</summary>
    public Dictionary<string, byte[]> Weights(string folder) =>
        Directory.EnumerateFiles(At(folder), "*.safetensors", SearchOption.AllDirectories)
            .Select(path => (Name: Path.GetRelativePath(At(folder), path), path))
            .Where(file => file.Name.StartsWith("seed-", StringComparison.Ordinal))
            .ToDictionary(file => file.Name, file => File.ReadAllBytes(file.path));

    public byte[] Adapter(string folder, string state) =>
        File.ReadAllBytes(Path.Combine(At(folder), state, "adapter", "adapter_model.safetensors"));

    public void Dispose() => _owned?.Dispose();

    /// <summary>Words of which each locale labels some: all the same ones, or each by a map of its own.</summary>
    private static string Sentences(string locale, int number, bool conflicting)
    {
        var text = new StringBuilder();
        var random = new Random(1);
        foreach (var (partition, count) in new[] { ("train", 48), ("dev", 16), ("test", 16) })
            for (int row = 0; row < count; row++)
            {
                int[] chosen = [.. Enumerable.Range(0, 3 + row % 3).Select(_ => random.Next(Words.Length))];
                string annotated = string.Join(' ', chosen.Select(word => Label(word, conflicting ? number : 0)));
                text.Append($"{{\"id\":\"{partition}-{row}\",\"locale\":\"{locale}\",\"partition\":\"{partition}\",")
                    .Append($"\"intent\":\"x\",\"utt\":\"{string.Join(' ', chosen.Select(word => Words[word]))}\",")
                    .Append($"\"annot_utt\":\"{annotated}\"}}\n");
            }

        return text.ToString();
    }

    private static string Label(int word, int shift) => (word + shift) % 4 is var type && type < Types.Length
        ? $"[{Types[type]} : {Words[word]}]"
        : Words[word];

    private sealed class WatchedWriter(Action<string> said) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            said(value ?? "");
            base.WriteLine(value);
        }
    }
}
