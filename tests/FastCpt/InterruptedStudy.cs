using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

/// <summary>A study of seconds with every system, run by the command itself; and its bytes, to compare.</summary>
internal sealed class InterruptedStudy : IDisposable
{
    public const int BatchesPerStep = 3;

    private const int Documents = 30, DocumentCharacters = 300;

    private readonly TestFolder _folder = new();

    public InterruptedStudy()
    {
        foreach (string language in new[] { "en", "hr", "cs", "da", "nb" })
            File.WriteAllLines(
                _folder.At($"{language}.jsonl"), SampleText.FirstLines(language, Documents).Select(Short));
        File.WriteAllText(YamlPath, Yaml);
    }

    public string YamlPath => _folder.At("study.yaml");

    public string Folder => FolderOf(YamlPath);

    /// <summary>Where the study of a YAML file is made.</summary>
    public static string FolderOf(string yamlPath) => Path.Combine(Path.GetDirectoryName(yamlPath)!, "study");

    /// <summary>`fastcpt study`, with instants that are counted and may be the last.</summary>
    /// <param name="act">Given the request to stop as well.</param>
    public static int Run(
        string yamlPath, TextWriter console, Action<StopSignal, StudyPhase, int> act, out StudyInstants instants)
    {
        StopSignal? stop = null;
        StudyInstants counted = instants = new StudyInstants(FolderOf(yamlPath), BatchesPerStep)
        {
            At = (phase, number) => act(stop!, phase, number), // not null: nothing is written before Listen
        };
        return CommandLine.Run(["study", yamlPath], console, console, new CommonOptions
        {
            Files = instants,
            Listen = folder => stop = new StopSignal(folder, _ => { }) { OnPoll = counted.Poll },
        });
    }

    /// <summary>Runs the plain command to the end.</summary>
    public void Finish()
    {
        Call call = Call.Of("study", YamlPath);
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
    }

    public void Clear() => FileSystem.Real.DeleteFolder(Folder);

    /// <summary>Every file of the study with what must not depend on interruptions, by its path.</summary>
    /// <remarks>
    /// All bytes of all files count, but: run.lock (process and time); hashes.json (a memory of files and their times,
    /// which grows as they settle); tb (event files, named and filled with times);
    /// in run.json and manifest.json the number of the attempt, in the latter the step it went on from and so its
    /// seal; in metrics.jsonl attempt, durations, rates and memory, and all but the last line of each event of a step.
    /// </remarks>
    public SortedDictionary<string, string> Bytes() => BytesOf(Folder);

    /// <inheritdoc cref="Bytes"/>
    public static SortedDictionary<string, string> BytesOf(string folder)
    {
        var bytes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            if (Path.GetFileName(name) is not (RunLock.FileName or "hashes.json")
                && !name.Contains("/tb/", StringComparison.Ordinal))
                bytes[name] = Content(path);
        }

        return bytes;
    }

    public void Dispose() => _folder.Dispose();

    private static string Short(string line)
    {
        JsonObject document = JsonNode.Parse(line)!.AsObject();
        string text = document["text"]!.GetValue<string>();
        document["text"] = text[..Math.Min(text.Length, DocumentCharacters)];
        return document.ToJsonString();
    }

    private static string Content(string path) => Path.GetFileName(path) switch
    {
        "metrics.jsonl" => Metrics(path),
        "run.json" => Without(File.ReadAllText(path), "attempt").ToJsonString(),
        "manifest.json" =>
            Without(File.ReadAllText(path), "attempt", "parent_step", "manifest_sha256").ToJsonString(),
        _ => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))),
    };

    private static string Metrics(string path)
    {
        var last = new Dictionary<string, string>();
        foreach (string line in File.ReadAllLines(path))
        {
            JsonObject json = Without(
                line, "attempt", "wall_s", "tokens_per_second", "mfu", "peak_memory_bytes", "data_share");
            last[$"{json["event"]} {json["step"]}"] = json.ToJsonString();
        }

        return string.Join('\n', last.Values.Order(StringComparer.Ordinal));
    }

    private static JsonObject Without(string json, params string[] names)
    {
        JsonObject known = JsonNode.Parse(json)!.AsObject();
        foreach (string name in names)
            known.Remove(name);
        return known;
    }

    private const string Yaml = """
        name: tiny
        output_dir: study
        seeds: [3]
        device: cpu
        threads: 1
        families:
          slavic: {train: [hr], held_out: [cs]}
          germanic: {train: [da], held_out: [nb]}
        base_languages: [en]
        files: "{language}.jsonl"
        tokenizer:
          vocabulary_size: 300
        data:
          max_seq_length: 32
          validation_share: 0.1
        base:
          held_in_share: 0.1
          model:
            architecture: gemma3
            hidden_size: 16
            num_hidden_layers: 6
            num_attention_heads: 2
            num_key_value_heads: 1
            head_dim: 8
            intermediate_size: 24
            sliding_window: 8
            max_position_embeddings: 64
            initializer_range: 0.1
          training:
            max_steps: 6
            batch_size: 2
            gradient_accumulation_steps: 3
            learning_rate: 1.0e-2
            warmup_steps: 2
            weight_decay: 0.1
            eval_steps: 3
            eval_documents: 2
            save_steps: 2
            save_total_limit: 1
            log_steps: 1
        training:
          shared:
            batch_size: 2
            gradient_accumulation_steps: 3
            learning_rate: 1.0e-2
            warmup_steps: 1
            eval_steps: 2
            eval_documents: 2
            save_steps: 2
            save_total_limit: 1
            log_steps: 1
          expert:
            max_steps: 3
        alignment:
          first_layers: 2
          last_layers: 1
          freeze: middle
          l2_sp: {first: 0.001, middle: 0.05, last: 0.001}
        evaluation:
          max_documents: 2
          batch_size: 2
        """;
}
