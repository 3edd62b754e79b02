namespace FastCpt.Engine.Alignment;

/// <summary>A model that goes into a merge.</summary>
/// <param name="Id">What manifests call it; the order of a sum is the order of ids.</param>
/// <param name="Folder">A Hugging Face folder.</param>
public sealed record MergeInput(string Id, string Folder);
