namespace FastCpt.Engine.Tokenizers;

/// <summary>What a trained vocabulary looks like.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>All ids: special tokens, the 256 bytes, and merged pieces.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>What decoders need.</summary>
    public static IReadOnlyList<string> Ends { get; } = ["<pad>", "<eos>", "<bos>"];

    /// <summary>What masked models need besides.</summary>
    public static IReadOnlyList<string> EndsAndMask { get; } = [.. Ends, "<mask>"];

    /// <summary>Take the first ids, in this order; the roles are known by these names.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = Ends;

    /// <summary>Every script gets the same number of merges, rather than the most frequent pairs of all.</summary>
    /// <remarks>
    /// A merge belongs to the script of its first letter. Scripts with less than a hundredth of the letters, and merges
    /// without a letter, share one place. A script that runs out of pairs leaves its share to the others.
    /// </remarks>
    public bool BalancedScripts { get; init; }

    /// <summary>A pair that occurs less often is not merged.</summary>
    public int MinimumCount { get; init; } = 2;
}
