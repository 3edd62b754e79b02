using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>run.json: what a run was asked to do and what did it; training from it repeats the run.</summary>
/// <remarks>parameters.json beside it says which parameters train; a deep model has many.</remarks>
public static class RunRecord
{
    public const string FileName = "run.json";
    public const string ParametersFileName = "parameters.json";

    private const int MaxBytes = 16 << 20;

    /// <summary>The configuration of the run that a folder belongs to; null where it has none yet.</summary>
    /// <exception cref="RunException">Exit 3: the record is damaged.</exception>
    public static RunConfig? Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        return File.Exists(path) ? RunConfig.Load(path) : null;
    }

    /// <summary>Refuses to go on with other texts, tokenizer or base than the run began with.</summary>
    /// <param name="inputs">Hashes by what they are of.</param>
    /// <exception cref="RunException">Exit 3, naming all that differs.</exception>
    public static void RequireSameInputs(string folder, IReadOnlyDictionary<string, string> inputs)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return;
        string[] changed = Changed(path, inputs, _ => true);
        if (changed.Length > 0)
            throw new RunException(
                ExitCode.Config,
                $"{folder}: began with other input than is there: {string.Join(", ", changed)}. Restore the files, or "
                + "choose another output_dir for a run of its own.");
    }

    /// <summary>Refuses what was copied from a base that is no longer the one that training began with.</summary>
    /// <param name="inputs">Hashes of the base as it is now.</param>
    /// <exception cref="RunException">Exit 4, naming the base and what differs.</exception>
    internal static void RequireSameBase(
        string folder, string origin, IReadOnlyDictionary<string, string> inputs)
    {
        if (Changed(Path.Combine(folder, FileName), inputs, RunInputs.IsOfBase) is { Length: > 0 } changed)
            throw new RunException(
                ExitCode.ModelFile,
                $"{origin}: changed while it was trained from: {string.Join(", ", changed)}. Frozen weights come from "
                + "there, so no model is written. Restore the files and run again: it goes on from its checkpoint.");
    }

    /// <summary>Number of the attempt that begins: 1 for a fresh run, one more after each start.</summary>
    public static int NextAttempt(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return 1;
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        return json.RootElement.TryGetProperty("attempt", out JsonElement attempt)
            && attempt.TryGetInt32(out int number) ? number + 1 : 1;
    }

    /// <param name="config">With its precision resolved.</param>
    /// <param name="inputs">Hashes of what is read, by what they are of.</param>
    public static void Save(
        string folder, RunConfig config, int attempt, string device, int threads,
        IReadOnlyDictionary<string, string> inputs, FileSystem files)
    {
        var hashes = new JsonObject();
        foreach ((string name, string hash) in inputs)
            hashes[name] = hash;
        var record = new JsonObject
        {
            ["tool"] = ToolVersion.Text,
            ["attempt"] = attempt,
            ["device"] = device,
            ["threads"] = threads,
            ["inputs"] = hashes,
            ["config"] = config.ToJson(),
        };
        Write(folder, FileName, record, files);
    }

    /// <param name="treatment">What becomes of a parameter.</param>
    public static void SaveParameters(
        string folder, IEnumerable<Parameter> parameters, Func<Parameter, string> treatment, FileSystem files)
    {
        var table = new JsonObject();
        foreach (Parameter parameter in parameters)
            table[parameter.Name] = treatment(parameter);
        Write(folder, ParametersFileName, table, files);
    }

    /// <returns>Recorded inputs of a kind whose hashes are others now, or that are not on both sides.</returns>
    private static string[] Changed(
        string path, IReadOnlyDictionary<string, string> inputs, Func<string, bool> isCompared)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        Dictionary<string, string?> saved = json.RootElement.TryGetProperty("inputs", out JsonElement map)
            ? map.EnumerateObject().ToDictionary(input => input.Name, input => input.Value.GetString()) : [];
        return [.. inputs.Keys.Union(saved.Keys).Where(
            name => isCompared(name) && saved.GetValueOrDefault(name) != inputs.GetValueOrDefault(name))];
    }

    private static void Write(string folder, string name, JsonObject json, FileSystem files) =>
        AtomicFile.Write(Path.Combine(folder, name), Encoding.UTF8.GetBytes(json.ToJsonString() + "\n"), files);
}
