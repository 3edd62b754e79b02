namespace FastCpt.Engine.Models;

/// <summary>What published folders call the tensors around and inside a model.</summary>
internal static class StoredNames
{
    private static readonly string[] EncoderParts = ["embeddings.", "encoder.", "pooler."];

    private static readonly string[] VisionParts =
        ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];

    private const string PositionIds = ".position_ids";

    /// <summary>A masked head's output layer where it is stored beside what it is tied to.</summary>
    public const string DecoderWeight = "lm_head.decoder.weight", DecoderBias = "lm_head.decoder.bias";

    /// <summary>The parameter that a stored tensor is; null where it is none of the model's.</summary>
    public static string? ParameterOf(string stored, ModelConfig config)
    {
        if (config is EncoderConfig encoder)
            return OfEncoder(stored, encoder.HasMaskedHead);
        bool gemma = config is DecoderConfig { Architecture: Architecture.Gemma3 };
        string name = gemma ? WithoutPrefix(stored) : stored;
        return IsComputedTable(name) || (gemma && IsVisionPart(stored)) ? null : name;
    }

    /// <summary>A tensor by the name that it has in the whole model of its kind, be it ours or not, such as a pooler
    /// or a classifier; null for what has no parameters of text.</summary>
    public static string? Canonical(string stored, ModelConfig config)
    {
        if (config is not EncoderConfig)
            return ParameterOf(stored, config);
        return stored.EndsWith(PositionIds, StringComparison.Ordinal) ? null : OfWholeEncoder(stored);
    }

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

    /// <remarks>The pooler, the masked head where it is not wanted, and a token classifier are no part of the encoder.
    /// </remarks>
    private static string? OfEncoder(string name, bool hasMaskedHead)
    {
        name = OfWholeEncoder(name);
        bool isOther = name.StartsWith("roberta.pooler.", StringComparison.Ordinal)
            || name.StartsWith("classifier.", StringComparison.Ordinal)
            || (!hasMaskedHead && name.StartsWith("lm_head.", StringComparison.Ordinal))
            || name.EndsWith(PositionIds, StringComparison.Ordinal);
        return isOther ? null : name;
    }

    /// <remarks>A bare encoder's names lack the prefix; files of old say gamma and beta for a norm's weight and bias.
    /// </remarks>
    private static string OfWholeEncoder(string name)
    {
        const string Gamma = "LayerNorm.gamma", Beta = "LayerNorm.beta";
        if (Array.Exists(EncoderParts, part => name.StartsWith(part, StringComparison.Ordinal)))
            name = EncoderLayout.Prefix + name;
        if (name.EndsWith(Gamma, StringComparison.Ordinal))
            name = name[..^"gamma".Length] + "weight";
        else if (name.EndsWith(Beta, StringComparison.Ordinal))
            name = name[..^"beta".Length] + "bias";
        return name;
    }
}
