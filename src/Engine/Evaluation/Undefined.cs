using System.Globalization;

namespace FastCpt.Engine.Evaluation;

/// <summary>How a measure that has no value is written.</summary>
public static class Undefined
{
    public const string Word = "undefined";

    /// <summary>The number in a format, or the word.</summary>
    public static string Text(double? value, string format) =>
        value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : Word;
}
