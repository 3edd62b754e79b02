namespace FastCpt.Engine.Config;

/// <summary>Modules by name, or by a regular expression that whole names match.</summary>
/// <param name="Names">Names, or what they end with after a dot.</param>
/// <param name="Pattern">Where it is not null, it stands for the names.</param>
public sealed record NamesOrPattern(IReadOnlyList<string> Names, string? Pattern = null);
