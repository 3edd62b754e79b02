using System.Text.Json.Nodes;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Alignment;

/// <summary>The parameters that an operation changes: all of them, or those of a range of decoder layers.</summary>
/// <param name="Range">Null selects every parameter, also those that are in no layer.</param>
/// <param name="MlpOnly">Of the range, only the feed-forward matrices.</param>
public sealed record LayerSelection(LayerRange? Range, bool MlpOnly = false)
{
    /// <summary>Every parameter.</summary>
    public static LayerSelection All { get; } = new((LayerRange?)null);

    public bool Contains(string name) =>
        Range is not { } range
        || (LayerGroups.LayerOf(name) is { } layer && range.Contains(layer) && (!MlpOnly || LayerGroups.IsMlp(name)));

    internal JsonNode ToJson() => Range is not { } range
        ? JsonValue.Create("all")
        : new JsonObject { ["start"] = range.Start, ["end"] = range.End, ["mlp_only"] = MlpOnly };
}
