using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Alignment;

/// <summary>The numbers of a merge: their checks and their record.</summary>
internal static class MergeParameters
{
    public static void AddGroups(JsonObject parameters, LayerGroups? groups)
    {
        if (groups is null)
            return;
        parameters.Add("first_layers", groups.First.Count);
        parameters.Add("last_layers", groups.Last.Count);
        parameters.Add("layers", groups.Layers);
    }

    /// <exception cref="RunException">Exit 3: not a number from 0 to 1.</exception>
    public static void CheckShare(double share, string name)
    {
        if (!(share >= 0 && share <= 1))
            throw new RunException(ExitCode.Config, $"{name} is {share}, expected a number from 0 to 1.");
    }
}
