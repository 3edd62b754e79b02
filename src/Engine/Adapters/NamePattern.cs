using System.Text.RegularExpressions;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Adapters;

/// <summary>A regular expression of a configuration, matched against names of modules in bounded time.</summary>
internal sealed class NamePattern
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private readonly string _text;
    private readonly Regex _regex;

    /// <param name="text">As the configuration has it; what messages name.</param>
    /// <param name="frame">The whole expression, with {0} for the text.</param>
    /// <exception cref="RunException">Exit 3: it is no regular expression.</exception>
    public NamePattern(string text, string frame = @"\A(?:{0})\z")
    {
        _text = text;
        string whole = frame.Replace("{0}", text, StringComparison.Ordinal);
        try
        {
            _regex = Linear(text, whole);
        }
        catch (ArgumentException e)
        {
            throw new RunException(
                ExitCode.Config, $"lora: '{YamlNode.Shown(text)}' is no regular expression: {e.Message} Names of "
                + "modules without special characters are one.", e);
        }
    }

    public bool IsMatch(string name) => Match(name).Success;

    /// <exception cref="RunException">Exit 3: matching takes too long.</exception>
    public Match Match(string name)
    {
        try
        {
            return _regex.Match(name);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new RunException(
                ExitCode.Config, $"lora: matching '{YamlNode.Shown(_text)}' with '{name}' takes more than "
                + $"{Longest.TotalSeconds} s. Write a simpler expression.", e);
        }
    }

    /// <summary>In linear time where that can be: looking ahead and back cannot.</summary>
    private static Regex Linear(string text, string whole)
    {
        _ = new Regex(text, RegexOptions.CultureInvariant, Longest);    // by itself, so that no bracket closes ours
        try
        {
            return new Regex(whole, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, Longest);
        }
        catch (NotSupportedException)
        {
            return new Regex(whole, RegexOptions.CultureInvariant, Longest);
        }
    }
}
