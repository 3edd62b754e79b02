using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>The tokenizer of a study: one that exists, or the size of one that the study trains.</summary>
public sealed record TokenizerConfig
{
    public string? Path { get; init; }

    /// <summary>Pieces of the vocabulary that is trained; null where one exists.</summary>
    public int? VocabularySize { get; init; }

    public bool BalancedScripts { get; init; }

    /// <summary>0 takes as much as the language with the least text has.</summary>
    public long BytesPerLanguage { get; init; }

    internal static readonly Section<TokenizerConfig> Section = new Section<TokenizerConfig>(new TokenizerConfig())
        .Add("path", Optional(FilePath), c => c.Path, (c, v) => c with { Path = v },
            "Folder or file of a tokenizer that exists.")
        .Add("vocabulary_size", OptionalValue(Int(259, 1 << 20)), c => c.VocabularySize,
            (c, v) => c with { VocabularySize = v },
            "Trains a byte-level BPE of so many pieces on base and held-in training text, equal bytes a language.")
        .Add("balanced_scripts", Flag, c => c.BalancedScripts, (c, v) => c with { BalancedScripts = v },
            "Whether every script gets the same number of merges.")
        .Add("bytes_per_language", Long(0), c => c.BytesPerLanguage, (c, v) => c with { BytesPerLanguage = v },
            "Text of each language that the tokenizer is trained on, at most; 0: as much as the least of them has.")
        .Check(c => c.Path is not null
                && (c.VocabularySize.HasValue || c.BalancedScripts || c.BytesPerLanguage > 0)
            ? ("path", "give either the path of a tokenizer or the size of one to train.") : null);
}
