namespace FastCpt.Engine.Tokenizers;

/// <summary>A tokenizer that was just trained, and the files that hold it.</summary>
/// <param name="Tokenizer">As <see cref="Tokenizers.Tokenizer.Load"/> reads it from the files.</param>
/// <param name="TokenizerJson">tokenizer.json; also Hugging Face's library reads it.</param>
/// <param name="TokenizerConfig">tokenizer_config.json: the roles of the special tokens.</param>
/// <param name="MergesByScript">Of balanced training: merges by script; empty otherwise. Other is the shared place.
/// </param>
public sealed record TrainedTokenizer(
    Tokenizer Tokenizer, byte[] TokenizerJson, byte[] TokenizerConfig,
    IReadOnlyDictionary<string, int> MergesByScript);
