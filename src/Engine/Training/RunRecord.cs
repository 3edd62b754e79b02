using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>run.json: what a run was asked to do and what did it; training from it repeats the run.</summary>
public static class RunRecord
{
    public const string FileName = "run.json";

    private const int MaxBytes = 16 << 20;

    /// <summary>The configuration of the run that a folder belongs to; null where it has none yet.</summary>
    /// <exception cref="RunException">Exit 3: the record is damaged.</exception>
    public static RunConfig? Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        return File.Exists(path) ? RunConfig.Load(path) : null;
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
    public static void Save(
        string folder, RunConfig config, int attempt, string device, int threads, ParameterSet parameters,
        Func<Parameter, string> treatment, FileSystem files)
    {
        var table = new JsonObject();
        foreach (Parameter parameter in parameters.All)
            table[parameter.Name] = treatment(parameter);
        var record = new JsonObject
        {
            ["tool"] = ToolVersion.Text,
            ["attempt"] = attempt,
            ["device"] = device,
            ["threads"] = threads,
            ["config"] = config.ToJson(),
            ["parameters"] = table,
        };
        AtomicFile.Write(
            Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(record.ToJsonString() + "\n"), files);
    }
}
