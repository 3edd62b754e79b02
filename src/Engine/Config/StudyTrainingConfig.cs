using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>How the systems of a study are trained.</summary>
public sealed record StudyTrainingConfig
{
    /// <summary>Of the one model on all families; without a length it has the experts' tokens together.</summary>
    public TrainingConfig Dense { get; init; } = new();

    /// <summary>Of every expert, also of those with an alignment.</summary>
    public TrainingConfig Expert { get; init; } = new();

    private static readonly Section<StudyTrainingConfig> Full =
        new Section<StudyTrainingConfig>(new StudyTrainingConfig())
            .Add("dense", TrainingConfig.WithoutLength, c => c.Dense, (c, v) => c with { Dense = v },
                "The one model on all families. Without max_steps and max_tokens it has the experts' tokens together.")
            .Add("expert", TrainingConfig.Section, c => c.Expert, (c, v) => c with { Expert = v },
                "The experts, those that freeze and those that are pulled included.", isRequired: true);

    /// <summary>The section; the keys of a map `shared` in it hold for both.</summary>
    internal static readonly ConfigType<StudyTrainingConfig> Section = new WithShared();

    private sealed class WithShared : ConfigType<StudyTrainingConfig>
    {
        private const string Key = "shared";

        public override StudyTrainingConfig Read(YamlNode node, ConfigPaths paths)
        {
            if (node.Find(Key) is not { } shared)
                return Full.Read(node, paths);
            TrainingConfig.WithoutLength.Read(shared, paths);       // so that an error is reported where it was written
            YamlNode own = ConfigLayers.Without(node, Key);
            foreach (string system in new[] { "dense", "expert" })
                own = ConfigLayers.With(own, system,
                    node.Find(system) is { } values ? ConfigLayers.Merge(shared, values) : shared);
            return Full.Read(own, paths);
        }

        public override JsonNode? ToJson(StudyTrainingConfig value) => Full.ToJson(value);

        public override JsonObject Schema()
        {
            JsonObject schema = Full.Schema();
            JsonObject shared = TrainingConfig.WithoutLength.Schema();
            shared["description"] = "What dense and expert have in common.";
            ((JsonObject)schema["properties"]!).Insert(0, Key, shared);
            schema["required"] = new JsonArray();
            return schema;
        }

        public override IEnumerable<(string Path, string Description)> Descriptions() => Full.Descriptions();
    }
}
