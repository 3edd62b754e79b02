using System.Text.Json.Nodes;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Alignment;

/// <summary>Moves a selection of parameters toward the base: θ = (1 − alpha) · base + alpha · trained.</summary>
/// <remarks>
/// At alpha 0 and 1 the selection is an exact copy, so alpha 0 on MIDDLE is Revert; in between it is computed in
/// double and rounded once. Everything else stays as trained. family-cpt.md 3.3 and 3.5.
/// </remarks>
public static class Interpolate
{
    /// <param name="alpha">From 0, the base, to 1, the trained model.</param>
    /// <param name="groups">Only recorded; null where the selection is not one of groups.</param>
    /// <exception cref="RunException">Exit 3: alpha or the output. Exit 4: the models. Exit 6: the disk.</exception>
    public static void Run(
        MergeInput trained, MergeInput source, LayerSelection selection, double alpha, MergeOutput output,
        LayerGroups? groups = null)
    {
        MergeParameters.CheckShare(alpha, "alpha");
        Blend keep = Blend.Copy(0), mix = Blend.Between(1, 0, alpha);
        var parameters = new JsonObject { ["alpha"] = alpha, ["selection"] = selection.ToJson() };
        MergeParameters.AddGroups(parameters, groups);
        Merge.Run("interpolate", parameters, [(trained, "trained"), (source, "base")],
            name => selection.Contains(name) ? mix : keep, output);
    }

    /// <summary>Puts layers of a donor into a model: interpolation toward the donor with alpha = 1 − beta.</summary>
    /// <param name="beta">From 0, the model as it is, to 1, an exact copy of the donor's layers.</param>
    /// <inheritdoc cref="Run(MergeInput, MergeInput, LayerSelection, double, MergeOutput, LayerGroups?)"/>
    public static void Transfer(
        MergeInput model, MergeInput donor, LayerSelection selection, double beta, MergeOutput output)
    {
        MergeParameters.CheckShare(beta, "beta");
        Blend keep = Blend.Copy(0), mix = Blend.Between(0, 1, beta);
        Merge.Run("transfer", new JsonObject { ["beta"] = beta, ["selection"] = selection.ToJson() },
            [(model, "model"), (donor, "donor")], name => selection.Contains(name) ? mix : keep, output);
    }
}
