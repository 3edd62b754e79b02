using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>Which keys may change between a run and its continuation.</summary>
/// <remarks>
/// Only those that change neither the weights nor the losses of a step: where and how often things are written, how
/// long the run goes on, and what computes. Everything else would make a resumed run one that nobody can repeat.
/// </remarks>
public static class ResumePolicy
{
    private const int MostShown = 12;

    /// <summary>Where and how often things are written, and how many threads compute: no bit depends on it.</summary>
    private static readonly string[] WithoutEffect =
    [
        "output_dir", "threads", "training.save_steps", "training.save_total_limit", "training.save_async",
        "training.max_save_errors", "training.log_steps", "training.max_wall_minutes", "training.divergence.action",
        "training.divergence.z_score", "training.divergence.loss_threshold", "training.divergence.patience",
    ];

    private static readonly string[] Changeable =
        [.. WithoutEffect, "device", "training.max_steps", "training.max_tokens"];

    /// <summary>The keys that the trained weights depend on, with their values.</summary>
    public static JsonObject Decisive(RunConfig config) => Without(config, WithoutEffect);

    /// <summary>SHA-256 of all that may not change, in hexadecimal digits.</summary>
    /// <param name="config">With its precision resolved.</param>
    public static string Fingerprint(RunConfig config) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(Without(config, Changeable).ToJsonString())));

    /// <summary>Refuses another length for a run that is done: its schedule has come to its end.</summary>
    /// <exception cref="RunException">Exit 3, with both lengths.</exception>
    public static void RequireSameLength(RunConfig done, RunConfig now, string folder)
    {
        (int, long) was = (done.Training.MaxSteps, done.Training.MaxTokens);
        (int, long) asked = (now.Training.MaxSteps, now.Training.MaxTokens);
        if (was != asked)
            throw new RunException(ExitCode.Config,
                $"{folder}: this run is done, with (max_steps, max_tokens) of {was}; {asked} is asked for. Its "
                + "schedule has come to its end, so it cannot be made longer or shorter: choose another output_dir "
                + "for a run of its own, or one that starts from this model.");
    }

    /// <summary>Refuses to go on with another model, other data, seed or strategy.</summary>
    /// <param name="saved">What the checkpoint was made with, its precision resolved.</param>
    /// <param name="now">What is asked for; a precision of auto takes the saved one.</param>
    /// <param name="checkpoint">What errors name.</param>
    /// <exception cref="RunException">Exit 3, listing every key that differs, with both values.</exception>
    public static void RequireSame(RunConfig saved, RunConfig now, string checkpoint)
    {
        RunConfig wanted = now.Precision == Precision.Auto ? now with { Precision = saved.Precision } : now;
        var differences = ConfigText.Differences(saved.ToJson(), wanted.ToJson())
            .Where(difference => !Changeable.Contains(difference.Path))
            .Select(difference => $"  {difference.Path}: {difference.Left} there, {difference.Right} here")
            .ToList();
        if (differences.Count == 0)
            return;
        string more = differences.Count > MostShown ? $"\n  and {differences.Count - MostShown} more" : "";
        throw new RunException(ExitCode.Config,
            $"{checkpoint}: made with another configuration:\n{string.Join('\n', differences.Take(MostShown))}{more}\n"
            + "Restore these values, or choose another output_dir for a run of its own.");
    }

    private static JsonObject Without(RunConfig config, IEnumerable<string> paths)
    {
        JsonObject json = config.ToJson();
        foreach (string path in paths)
        {
            string[] keys = path.Split('.');
            JsonObject section = keys[..^1].Aggregate(json, (map, key) => (JsonObject)map[key]!); // written by ToJson
            section.Remove(keys[^1]);
        }

        return json;
    }
}
