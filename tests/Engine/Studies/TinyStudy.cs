using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>A study of seconds on chapters of the samples: two families, a base language, a held-out one.</summary>
internal sealed class TinyStudy : IDisposable
{
    private const int Documents = 24;

    private const string Yaml = """
        name: tiny
        output_dir: out
        seeds: [42]
        families:
          slavic: {train: [hr, ru], held_out: [cs]}
          germanic: {train: [nl]}
        base_languages: [en]
        files: texts/{language}.jsonl
        threads: 1
        device: cpu
        tokenizer: {vocabulary_size: 300}
        data: {max_seq_length: 32, validation_share: 0.2}
        base:
          model: {architecture: gemma3, hidden_size: 16, num_hidden_layers: 6, num_attention_heads: 2,
                  num_key_value_heads: 1, head_dim: 8, intermediate_size: 24, sliding_window: 8,
                  max_position_embeddings: 64, initializer_range: 0.1}
          training: {max_steps: 6, batch_size: 4, learning_rate: 1e-2, eval_steps: 0, save_steps: 0}
        training:
          shared: {batch_size: 4, learning_rate: 1e-2, eval_steps: 0, save_steps: 0}
          expert: {max_steps: 3}
        alignment: {first_layers: 2, last_layers: 1}
        evaluation: {max_documents: 2, batch_size: 2}

        """;

    private readonly TestFolder _folder = new();

    public TinyStudy()
    {
        Directory.CreateDirectory(_folder.At("texts"));
        foreach (string language in new[] { "en", "hr", "ru", "nl", "cs" })
            File.WriteAllLines(_folder.At($"texts/{language}.jsonl"), SampleText.FirstLines(language, Documents));
        File.WriteAllText(ConfigFile, Yaml);
    }

    public string ConfigFile => _folder.At("study.yaml");

    public string Output => _folder.At("out");

    public string Path(string name) => System.IO.Path.Combine(Output, name);

    public string Text(string language) => _folder.At($"texts/{language}.jsonl");

    /// <summary>The configuration with some keys set, such as "training.expert.max_steps=4".</summary>
    public StudyConfig Config(params IReadOnlyList<string> settings)
    {
        var layers = new ConfigLayers();
        layers.AddFile(ConfigFile);
        foreach (string setting in settings)
            layers.AddSetting(setting);
        return StudyConfig.Load(layers);
    }

    /// <summary>Runs the study.</summary>
    /// <returns>The results, and the names of the artefacts that were made, in order.</returns>
    public (StudyResults? Results, IReadOnlyList<string> Made) Run(
        StudyConfig config, IReadOnlyList<string>? only = null, StopSignal? stop = null)
    {
        using var console = new StringWriter { NewLine = "\n" };
        using StopSignal quiet = new(folder: null, _ => { });
        Directory.CreateDirectory(config.OutputDir);
        StudyResults? results = StudyRunner.Run(
            config, new StudyRun(config, stop ?? quiet, FileSystem.Real, console, quiet: false), only ?? []);
        return (results, [.. console.ToString().Split('\n')
            .Where(line => line.StartsWith("made ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])]);
    }

    public void Dispose() => _folder.Dispose();
}
