namespace FastCpt.Engine.Models;

/// <summary>What published folders call the tensors around and inside a decoder.</summary>
internal static class StoredNames
{
    private static readonly string[] VisionParts =
        ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];

    /// <summary>The text-only name of a tensor in a multimodal checkpoint.</summary>
    /// <remarks>Older ones say language_model.model.layers, newer ones model.language_model.layers.</remarks>
    public static string WithoutPrefix(string name)
    {
        const string Older = "language_model.", Newer = "model.language_model.";
        if (name.StartsWith(Newer, StringComparison.Ordinal))
            return "model." + name[Newer.Length..];
        return name.StartsWith(Older, StringComparison.Ordinal) ? name[Older.Length..] : name;
    }

    public static bool IsVisionPart(string name) =>
        Array.Exists(VisionParts, part => name.StartsWith(part, StringComparison.Ordinal));

    /// <summary>Rotary frequencies, which older checkpoints carry along.</summary>
    public static bool IsComputedTable(string name) =>
        name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);
}
