namespace FastCpt.Engine.Tokenizers;

/// <summary>What a tokenizer.json does with text before and after its Unigram model.</summary>
/// <param name="SqueezedSpaces">What two and more spaces become; null leaves them.</param>
/// <param name="SplitsAtSpaces">All white space separates words and goes; else words begin at spaces.</param>
/// <param name="BytePieces">Ids by byte, for text without a piece; empty where that is unknown.</param>
internal sealed record UnigramSteps(
    PrecompiledNormalizer? Normalizer, byte[]? SqueezedSpaces, bool SplitsAtSpaces, int[] BytePieces);
