using System.Text.Json.Nodes;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Alignment;

/// <summary>The mean of experts, perhaps drawn toward an anchor.</summary>
/// <remarks>
/// θ = Σ experts / K, summed in double in the order of their ids, divided and rounded once; so the result depends on
/// neither the order of the list nor on experts that are named twice. With an anchor, on a selection of parameters:
/// θ = (1 − alpha) · anchor + alpha · Σ experts / K, at alpha 0 and 1 exactly the anchor and the plain soup. On all
/// parameters that blends soup and anchor, family-cpt.md 1.3; on a layer group it is the sweep of 3.4, in which every
/// expert's group is interpolated first. Wortsman et al. 2022.
/// </remarks>
public static class Soup
{
    /// <summary>The plain mean.</summary>
    /// <exception cref="RunException">Exit 3: experts or output. Exit 4: the models. Exit 6: the disk.</exception>
    public static void Run(IReadOnlyList<MergeInput> experts, MergeOutput output) =>
        Run(experts, null, LayerSelection.All, 1, output);

    /// <summary>The mean, with a selection drawn toward an anchor.</summary>
    /// <param name="anchor">Needed where alpha is below 1.</param>
    /// <param name="alpha">From 0, the anchor, to 1, the plain soup.</param>
    /// <inheritdoc cref="Run(IReadOnlyList{MergeInput}, MergeOutput)"/>
    public static void Run(
        IReadOnlyList<MergeInput> experts, MergeInput? anchor, LayerSelection selection, double alpha,
        MergeOutput output)
    {
        MergeParameters.CheckShare(alpha, "alpha");
        if (anchor is null && alpha != 1)
            throw new RunException(ExitCode.Config, $"alpha is {alpha}, but there is no anchor to draw toward.");
        MergeInput[] ordered = Ordered(experts);
        int count = ordered.Length;
        var inputs = ordered.Select(expert => (expert, "expert")).ToList();
        Blend mean = Blend.Mean(0, count);
        Blend drawn = mean;
        var parameters = new JsonObject();
        if (anchor is not null)
        {
            inputs.Add((anchor, "anchor"));
            drawn = new Blend(
                mean.Terms.Select(term => (term.Input, alpha)).Prepend((count, count * (1 - alpha))), count);
            parameters.Add("alpha", alpha);
            parameters.Add("selection", selection.ToJson());
        }
        Merge.Run("soup", parameters, inputs, name => selection.Contains(name) ? drawn : mean, output);
    }

    /// <summary>In the order of ids, each folder once.</summary>
    private static MergeInput[] Ordered(IReadOnlyList<MergeInput> experts)
    {
        MergeInput[] ordered = [.. experts.OrderBy(expert => expert.Id, StringComparer.Ordinal)
            .DistinctBy(expert => Path.TrimEndingDirectorySeparator(Path.GetFullPath(expert.Folder)))];
        if (ordered.Length == 0)
            throw new RunException(ExitCode.Config, "A soup needs at least one expert.");
        for (int i = 1; i < ordered.Length; i++)
            if (ordered[i].Id == ordered[i - 1].Id)
                throw new RunException(ExitCode.Config, $"Two experts have the id '{ordered[i].Id}': "
                    + $"{ordered[i - 1].Folder} and {ordered[i].Folder}. Give each its own.");
        return ordered;
    }
}
