using System.Text.Json.Nodes;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Studies;

/// <summary>A trained model with the middle layers of its base.</summary>
public sealed class RevertedModel(
    string name, string studyFolder, ModelArtefact trained, ModelArtefact origin, AlignmentConfig alignment)
    : ModelArtefact(name, studyFolder, trained, origin)
{
    protected override JsonObject Recipe() => new()
    {
        ["first_layers"] = alignment.FirstLayers, ["last_layers"] = alignment.LastLayers,
    };

    protected override void MakeContent(StudyRun run)
    {
        ModelConfig config = ModelConfigReader.Read(
            Path.Combine(origin.ModelFolder, ModelConfigReader.FileName)).Config;
        var groups = LayerGroups.Of(config.Layers, alignment.FirstLayers, alignment.LastLayers);
        Revert.Run(
            new MergeInput(trained.Name, trained.ModelFolder),
            new MergeInput(origin.Name, origin.ModelFolder),
            groups,
            run.MergeTo(ModelFolder));
    }
}

/// <summary>The mean of a study's experts.</summary>
public sealed class SoupModel(string name, string studyFolder, IReadOnlyList<ModelArtefact> experts)
    : ModelArtefact(name, studyFolder, experts)
{
    protected override JsonObject Recipe() => new() { ["weights"] = "uniform" };

    protected override void MakeContent(StudyRun run) => Soup.Run(
        [.. experts.Select(expert => new MergeInput(expert.Name, expert.ModelFolder))], run.MergeTo(ModelFolder));
}
