using System.Text.Json.Nodes;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Alignment;

/// <summary>Gives layers of a trained model back the weights of its base; nothing is computed, only copied.</summary>
/// <remarks>Train-then-Revert, family-cpt.md 1.3: with MIDDLE it makes Dense-Reverted and Expert-Reverted.</remarks>
public static class Revert
{
    /// <summary>Reverts the middle layers.</summary>
    /// <exception cref="RunException">Exit 3: the output. Exit 4: the models. Exit 6: the disk.</exception>
    public static void Run(MergeInput trained, MergeInput source, LayerGroups groups, MergeOutput output) =>
        Run(trained, source, new LayerSelection(groups.Middle), output, groups);

    /// <summary>Reverts any selection of parameters.</summary>
    /// <param name="groups">Only recorded; null where the selection is not one of groups.</param>
    /// <inheritdoc cref="Run(MergeInput, MergeInput, LayerGroups, MergeOutput)"/>
    public static void Run(
        MergeInput trained, MergeInput source, LayerSelection selection, MergeOutput output, LayerGroups? groups = null)
    {
        Blend keep = Blend.Copy(0), revert = Blend.Copy(1);
        var parameters = new JsonObject { ["selection"] = selection.ToJson() };
        MergeParameters.AddGroups(parameters, groups);
        Merge.Run("revert", parameters, [(trained, "trained"), (source, "base")],
            name => selection.Contains(name) ? revert : keep, output);
    }
}
