using System.Globalization;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Parameters;

/// <summary>The layers of a model: FIRST = [0, m), MIDDLE = [m, L − n), LAST = [L − n, L).</summary>
/// <remarks>
/// The layer of a parameter comes from its name alone: `layers.i.` in it, `encoder.layer.i.` for an encoder. Embedding,
/// output head and final norm are in no layer, and neither is the vision part of a multimodal checkpoint. family-cpt.md
/// 1.2.
/// </remarks>
public sealed record LayerGroups
{
    private const string Mark = "layers.", EncoderMark = "encoder.layer.";
    private static readonly string[] OtherParts = ["vision_tower.", "multi_modal_projector."];

    /// <param name="layers">L.</param>
    /// <param name="first">m.</param>
    /// <param name="last">n.</param>
    /// <exception cref="RunException">Exit 3: m + n exceeds L.</exception>
    public LayerGroups(int layers, int first, int last)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(last);
        if (first + last > layers)
            throw new RunException(ExitCode.Config,
                $"{first} first and {last} last layers are more than the model's {layers}. "
                + "Give smaller first_layers and last_layers.");
        (First, Middle, Last) = (new(0, first), new(first, layers - last), new(layers - last, layers));
    }

    public LayerRange First { get; }

    public LayerRange Middle { get; }

    public LayerRange Last { get; }

    /// <summary>L.</summary>
    public int Layers => Last.End;

    /// <summary>The groups of a model of any depth: the paper's shares 9/34 and 6/34 where m or n is null.</summary>
    /// <exception cref="RunException">Exit 3: m + n exceeds L.</exception>
    public static LayerGroups Of(int layers, int? first = null, int? last = null) =>
        new(layers, first ?? Share(9, layers), last ?? Share(6, layers));

    /// <summary>The layer that a parameter belongs to; null if it is in none.</summary>
    public static int? LayerOf(string name)
    {
        string mark = name.Contains(EncoderMark, StringComparison.Ordinal) ? EncoderMark : Mark;
        int at = name.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0 || (at > 0 && name[at - 1] != '.')
            || Array.Exists(OtherParts, part => name.Contains(part, StringComparison.Ordinal)))
            return null;
        ReadOnlySpan<char> rest = name.AsSpan(at + mark.Length);
        int end = rest.IndexOf('.');
        return end > 0 && int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int layer)
            ? layer
            : null;
    }

    /// <summary>The layers that the names of a model's parameters speak of.</summary>
    /// <param name="source">What errors name.</param>
    /// <exception cref="RunException">Exit 4: no layer, or one is missing between others.</exception>
    public static int CountLayers(IEnumerable<string> names, string source)
    {
        var seen = names.Select(LayerOf).OfType<int>().ToHashSet();
        int missing = Enumerable.Range(0, seen.Count).FirstOrDefault(layer => !seen.Contains(layer), -1);
        if (missing >= 0 || seen.Count == 0)
            throw new RunException(ExitCode.ModelFile, $"{source}: no parameter is named "
                + $"'layers.{Math.Max(missing, 0)}.', expected layers numbered from 0 without a gap.");
        return seen.Count;
    }

    /// <summary>Whether a parameter belongs to the feed-forward part of its layer.</summary>
    public static bool IsMlp(string name) =>
        name.Contains(".mlp.", StringComparison.Ordinal)
        || (name.Contains(EncoderMark, StringComparison.Ordinal)
            && !name.Contains(".attention.", StringComparison.Ordinal));

    /// <summary>The group that a parameter belongs to; null if it is in no layer.</summary>
    public LayerGroup? GroupOf(string name) => LayerOf(name) switch
    {
        not { } => null,
        { } layer when First.Contains(layer) => LayerGroup.First,
        { } layer when Middle.Contains(layer) => LayerGroup.Middle,
        _ => LayerGroup.Last,
    };

    public LayerRange this[LayerGroup group] => group switch
    {
        LayerGroup.First => First,
        LayerGroup.Middle => Middle,
        _ => Last,
    };

    private static int Share(int of34, int layers) =>
        Math.Max(1, (int)Math.Round(of34 * layers / 34.0, MidpointRounding.AwayFromZero));
}
