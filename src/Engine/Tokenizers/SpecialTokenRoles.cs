using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Which tokens begin, end and pad a text: as the files beside it say, or else by usual names.</summary>
internal static class SpecialTokenRoles
{
    private static readonly string[] BosNames = ["<bos>", "<s>", "<|begin_of_text|>"];
    private static readonly string[] EosNames = ["<eos>", "</s>", "<|endoftext|>", "<|end_of_text|>"];
    private static readonly string[] PadNames = ["<pad>"];
    private static readonly string[] MaskNames = ["<mask>", "[MASK]"];
    private static readonly string[] UnknownNames = ["<unk>"];

    /// <summary>Fills the roles that the tokenizer's own file leaves open.</summary>
    /// <param name="folder">Where tokenizer_config.json or special_tokens_map.json may be.</param>
    /// <exception cref="RunException">A file names a token that the vocabulary does not have.</exception>
    public static void Apply(Tokenizer tokenizer, string folder)
    {
        foreach (string name in (ReadOnlySpan<string>)["tokenizer_config.json", "special_tokens_map.json"])
        {
            string path = Path.Combine(folder, name);
            if (!File.Exists(path))
                continue;
            using var document = StrictJson.Load(path, ExitCode.ModelFile, TokenizerFile.MaxBytes);
            var root = new JsonPlace(document.RootElement, path, "");
            tokenizer.Bos = Named(tokenizer, root["bos_token"]) ?? tokenizer.Bos;
            tokenizer.Eos = Named(tokenizer, root["eos_token"]) ?? tokenizer.Eos;
            tokenizer.Pad = Named(tokenizer, root["pad_token"]) ?? tokenizer.Pad;
            tokenizer.Mask = Named(tokenizer, root["mask_token"]) ?? tokenizer.Mask;
            tokenizer.Unknown = Named(tokenizer, root["unk_token"]) ?? tokenizer.Unknown;
        }
        ApplyNames(tokenizer);
    }

    /// <summary>Fills the roles that are still open with tokens that have the usual names.</summary>
    public static void ApplyNames(Tokenizer tokenizer)
    {
        tokenizer.Bos ??= First(tokenizer, BosNames);
        tokenizer.Eos ??= First(tokenizer, EosNames);
        tokenizer.Pad ??= First(tokenizer, PadNames);
        tokenizer.Mask ??= First(tokenizer, MaskNames);
        tokenizer.Unknown ??= First(tokenizer, UnknownNames);
    }

    /// <summary>A token is given as its text, or as an object with its text as content.</summary>
    private static int? Named(Tokenizer tokenizer, JsonPlace place)
    {
        if (place.IsNull)
            return null;
        string text = place.Value.ValueKind == System.Text.Json.JsonValueKind.Object
            ? place["content"].Text
            : place.Text;
        return tokenizer.Find(text) ?? throw place.Refuse($"is '{text}', which is not in the vocabulary");
    }

    private static int? First(Tokenizer tokenizer, string[] names)
    {
        foreach (string name in names)
            if (tokenizer.Find(name) is int id)
                return id;
        return null;
    }
}
