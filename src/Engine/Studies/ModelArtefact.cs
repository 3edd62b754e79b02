using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training;

namespace FastCpt.Engine.Studies;

/// <summary>An artefact that is a model in a Hugging Face folder.</summary>
public abstract class ModelArtefact(string name, string studyFolder, params IReadOnlyList<Artefact> inputs)
    : Artefact(name, studyFolder, inputs)
{
    public virtual string ModelFolder => Path.Combine(Folder, TrainingRun.FinalFolderName);

    /// <summary>What a model that exists already is known by: the hashes of its files.</summary>
    /// <exception cref="RunException">Exit 4: there is no such folder.</exception>
    protected JsonObject Hashes(string folder)
    {
        if (!Directory.Exists(folder))
            throw new RunException(ExitCode.ModelFile, $"{folder}: there is no such folder; a model is expected.");
        var files = new JsonObject();
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
            if (Path.GetExtension(file) is ".safetensors" or ".json" or ".model")
                files[Path.GetFileName(file)] = HashOf(file);
        return files;
    }
}

/// <summary>A base model that exists already; it stays where it is.</summary>
public sealed class GivenModel(string name, string studyFolder, string path) : ModelArtefact(name, studyFolder)
{
    public override string ModelFolder => path;

    protected override JsonObject Recipe() => new() { ["files"] = Hashes(path) };

    protected override void MakeContent(StudyRun run)
    {
    }
}

/// <summary>A model that a training run makes, from a recipe or from another model.</summary>
public sealed class TrainedModel(
    string name, string studyFolder, RunConfig config, IReadOnlyList<Artefact> inputs)
    : ModelArtefact(name, studyFolder, inputs)
{
    public RunConfig Config => config;

    /// <summary>Whether the text is among the inputs, whose keys stand for it.</summary>
    public bool TextIsMade { get; init; }

    /// <remarks>
    /// Paths give way to hashes of what they lead to, or to the inputs.
    /// </remarks>
    protected override JsonObject Recipe()
    {
        JsonObject json = ResumePolicy.Decisive(config);
        json.Remove("tokenizer");
        if (config.Model.Path is not null)
            json.Remove("model");
        var texts = new JsonArray();
        foreach (LanguageConfig language in config.Data.Languages)
        {
            if (!TextIsMade)
                texts.Add((JsonNode)string.Join(",", language.Files.Select(HashOf)));
            ((JsonObject)json["data"]!["languages"]![language.Name]!).Remove("files"); // written by ToJson
        }

        if (config.Alignment.L2Sp?.Anchor is { } anchor)
            json["alignment"]!["l2_sp"]!["anchor"] = Hashes(anchor); // written by ToJson
        json["texts"] = texts;
        return json;
    }

    protected override void MakeContent(StudyRun run)
    {
        var options = new TrainingOptions(
            run.ShardFolder, run.Stop, run.Files, run.Console, run.Quiet, ShowsProgress: run.ShowsProgress);
        TrainingRun.Execute(config with { OutputDir = Folder }, options);
    }
}
