using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>Counts the lines of a language's files that are passed over, up to a limit.</summary>
/// <param name="limit">max_bad_lines: 0 refuses the first bad line, n passes n of them over.</param>
public sealed class BadLines(long limit)
{
    private const int ExampleLimit = 3;

    private readonly List<string> _examples = [];

    public long Count { get; private set; }

    /// <summary>What was wrong with the first few, each with file and line.</summary>
    public IReadOnlyList<string> Examples => _examples;

    /// <exception cref="RunException">Exit 3: one more than the limit.</exception>
    internal void Add(string path, long line, string what)
    {
        string message = $"{path}:{line}: {what}";
        if (++Count > limit)
            throw new RunException(ExitCode.Config, limit == 0
                ? $"{message} Correct the line, or allow some with max_bad_lines."
                : $"{message} It is bad line {Count}; max_bad_lines allows {limit}.");
        if (_examples.Count < ExampleLimit)
            _examples.Add(message);
    }
}
