namespace FastCpt.Engine.Models;

/// <summary>What config.json of a model folder says.</summary>
/// <param name="IsMultimodal">The decoder is the text part of a model that also has a vision part.</param>
/// <param name="IgnoredKeys">Unknown keys that say nothing about the computation; for the report.</param>
public sealed record ModelConfigFile(ModelConfig Config, bool IsMultimodal, IReadOnlyList<string> IgnoredKeys);
