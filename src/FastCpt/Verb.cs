using System.CommandLine;

namespace FastCpt;

/// <summary>A verb with calls of it that help shows.</summary>
internal sealed class Verb(string name, string description) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; init; } = [];
}
