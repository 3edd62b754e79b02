using System.Text.Json;

namespace FastCpt.Engine.Models;

/// <summary>Reads rotary embeddings of config.json in every spelling that published models use.</summary>
/// <remarks>
/// Older: rope_theta, rope_scaling { type or rope_type, factor, ... }, and Gemma's rope_local_base_freq. Newer:
/// rope_parameters, which holds theta too, for Gemma once per kind of layer.
/// </remarks>
internal static class RopeConfigReader
{
    private const double MostTheta = 1e12, MostFactor = 1e4;

    /// <summary>Of models whose layers all see everything.</summary>
    public static RopeConfig Read(ConfigObject config, double defaultTheta)
    {
        double? theta = Theta(config, "rope_theta");
        ConfigObject? scaling = config.Object("rope_scaling"), parameters = config.Object("rope_parameters");
        return One(config, scaling, parameters, "rope_theta", theta, defaultTheta);
    }

    /// <summary>Of Gemma: layers that see everything, and layers with a window.</summary>
    public static (RopeConfig Global, RopeConfig Local) ReadBoth(
        ConfigObject config, double defaultTheta, double defaultLocalTheta)
    {
        double? theta = Theta(config, "rope_theta"), localTheta = Theta(config, "rope_local_base_freq");
        ConfigObject? scaling = config.Object("rope_scaling"), parameters = config.Object("rope_parameters");
        ConfigObject? global = parameters?.Object("full_attention"), local = parameters?.Object("sliding_attention");
        if (parameters is not null)
            RefuseUnread(parameters, "per kind of layer: full_attention and sliding_attention");
        return (
            One(config, scaling, global, "rope_theta", theta, defaultTheta),
            One(config, null, local, "rope_local_base_freq", localTheta, defaultLocalTheta));
    }

    /// <summary>The older and the newer spelling side by side have to say the same.</summary>
    private static RopeConfig One(
        ConfigObject config, ConfigObject? scaling, ConfigObject? parameters, string thetaKey, double? outerTheta,
        double defaultTheta)
    {
        RopeConfig? older = scaling is null ? null : Section(scaling, thetaKey, outerTheta, defaultTheta);
        RopeConfig? newer = parameters is null ? null : Section(parameters, thetaKey, outerTheta, defaultTheta);
        if (older is not null && newer is not null && older != newer)
            throw config.Refuse($"rope_scaling says {older}, but rope_parameters says {newer}.");
        return newer ?? older ?? new RopeConfig(outerTheta ?? defaultTheta);
    }

    private static RopeConfig Section(ConfigObject section, string thetaKey, double? outerTheta, double defaultTheta)
    {
        double? ownTheta = Theta(section, "rope_theta");
        if (ownTheta is not null && outerTheta is not null && ownTheta != outerTheta)
            throw section.Refuse($"rope_theta is {ownTheta}, but {thetaKey} outside is {outerTheta}.");
        double theta = ownTheta ?? outerTheta ?? defaultTheta;
        if (section.NumberOrNull("partial_rotary_factor", 0, 1) is { } part && part != 1)
            throw section.Refuse($"partial_rotary_factor is {part}; only whole heads are rotated here.");
        string kind = Kind(section);
        RopeConfig rope = kind switch
        {
            "default" => Default(section, theta),
            "linear" => new RopeConfig(theta, RopeScaling.Linear, Needed(section, "factor", kind, 1, MostFactor)),
            "llama3" => Llama3(section, theta),
            _ => throw section.Refuse($"rope_type is '{kind}'; default, linear and llama3 are supported."),
        };
        RefuseUnread(section, $"for rope_type {kind}");
        return rope;
    }

    private static string Kind(ConfigObject section)
    {
        string? newer = section.Text("rope_type"), older = section.Text("type");
        if (newer is not null && older is not null && newer != older)
            throw section.Refuse($"rope_type is '{newer}', but type is '{older}'.");
        return newer ?? older ?? "default";
    }

    private static RopeConfig Default(ConfigObject section, double theta)
    {
        if (section.NumberOrNull("factor", 0, MostFactor) is { } factor && factor != 1)
            throw section.Refuse($"factor is {factor}, but rope_type is 'default', which scales nothing.");
        return new RopeConfig(theta);
    }

    private static RopeConfig Llama3(ConfigObject section, double theta)
    {
        double low = Needed(section, "low_freq_factor", "llama3", 1e-6, 1e6);
        double high = Needed(section, "high_freq_factor", "llama3", 1e-6, 1e6);
        if (low >= high)
            throw section.Refuse($"low_freq_factor is {low} and high_freq_factor {high}; the second must be larger.");
        return new RopeConfig(
            theta, RopeScaling.Llama3, Needed(section, "factor", "llama3", 1, MostFactor), low, high,
            Needed(section, "original_max_position_embeddings", "llama3", 1, ModelConfigReader.MostPositions));
    }

    private static double? Theta(ConfigObject config, string key) => config.NumberOrNull(key, 1, MostTheta);

    private static double Needed(ConfigObject section, string key, string kind, double least, double most) =>
        section.NumberOrNull(key, least, most)
        ?? throw section.Refuse($"{key} is missing; rope_type '{kind}' needs it.");

    private static void RefuseUnread(ConfigObject section, string expected)
    {
        foreach ((string key, JsonElement value) in section.Unread)
            if (value.ValueKind != JsonValueKind.Null)
                throw section.Refuse($"{key} is {ConfigObject.Show(value)}; there is no such key {expected}.");
    }
}
