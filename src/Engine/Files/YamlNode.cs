using System.Globalization;

namespace FastCpt.Engine.Files;

public enum YamlKind
{
    Scalar,
    List,
    Map,
}

/// <summary>A value of a YAML or JSON text with its place; a scalar stays text until it is read as a type.</summary>
/// <remarks>
/// The type that is asked for decides how a scalar is read, so `no` is a language where text is expected and a
/// mistake where a boolean is. Every reader throws a RunException with path:line:column when the value does not fit.
/// </remarks>
public sealed class YamlNode
{
    private readonly List<YamlNode> _items = [];
    private readonly List<(YamlNode Key, YamlNode Value)> _entries = [];
    private readonly Dictionary<string, YamlNode> _valueByKey = [];
    private readonly string _text = "";

    internal YamlNode(string source, ExitCode code, int line, int column, YamlKind kind)
    {
        (Source, Code, Line, Column, Kind) = (source, code, line, column, kind);
    }

    internal YamlNode(string source, ExitCode code, int line, int column, string text, bool isQuoted)
        : this(source, code, line, column, YamlKind.Scalar)
    {
        (_text, IsQuoted) = (text, isQuoted);
    }

    /// <summary>What the text came from: a path, or the name of an option.</summary>
    public string Source { get; }

    public ExitCode Code { get; }
    public int Line { get; }
    public int Column { get; }
    public YamlKind Kind { get; }

    /// <summary>Whether a scalar stood in quotes or in a block: then it is text and nothing else.</summary>
    public bool IsQuoted { get; }

    /// <summary>Whether nothing is there: an empty value, `null` or `~` without quotes.</summary>
    public bool IsNull => Kind == YamlKind.Scalar && !IsQuoted && _text is "" or "null" or "~";

    /// <summary>The items of a list.</summary>
    public IReadOnlyList<YamlNode> Items => Kind == YamlKind.List ? _items : throw Unfit("a list");

    /// <summary>The keys and values of a map, in the order of the text.</summary>
    public IReadOnlyList<(YamlNode Key, YamlNode Value)> Entries =>
        Kind == YamlKind.Map ? _entries : throw Unfit("a map");

    /// <summary>The value of a key of a map; null if the key is not there.</summary>
    public YamlNode? Find(string key) =>
        Kind == YamlKind.Map ? _valueByKey.GetValueOrDefault(key) : throw Unfit("a map");

    /// <summary>The text of a scalar that is not null; `no`, `012` and `1e-5` are text as well.</summary>
    public string AsText() => Kind == YamlKind.Scalar && !IsNull ? _text : throw Unfit("text");

    /// <summary>`true` or `false`, and no other spelling.</summary>
    public bool AsBoolean() => (Kind, IsQuoted, _text) switch
    {
        (YamlKind.Scalar, false, "true") => true,
        (YamlKind.Scalar, false, "false") => false,
        _ => throw Unfit("true or false"),
    };

    /// <summary>A whole number from min to max, in plain digits.</summary>
    public long AsInteger(long min = long.MinValue, long max = long.MaxValue)
    {
        if (!IsNumber(out bool isWhole) || !isWhole)
            throw Unfit("a whole number", NumberHint());
        if (!long.TryParse(_text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            || value < min || value > max)
            throw Unfit($"a whole number from {min} to {max}");
        return value;
    }

    /// <summary>A finite number such as 12, 0.5 or 1e-5.</summary>
    public double AsNumber()
    {
        if (!IsNumber(out _))
            throw Unfit("a number", NumberHint());
        double value = double.Parse(_text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? value : throw Unfit("a finite number");
    }

    /// <summary>An error at this value, for the caller to throw.</summary>
    public RunException Error(string message) => new(Code, $"{Source}:{Line}:{Column}: {message}");

    public override string ToString() => Kind switch
    {
        YamlKind.List => $"a list of {_items.Count}",
        YamlKind.Map => $"a map of {_entries.Count}",
        _ when IsNull => "nothing",
        _ => IsQuoted ? $"the quoted text '{Shown(_text)}'" : $"'{Shown(_text)}'",
    };

    internal void Add(YamlNode item) => _items.Add(item);

    /// <returns>False if the key is there already.</returns>
    internal bool Add(YamlNode key, YamlNode value)
    {
        _entries.Add((key, value));
        return _valueByKey.TryAdd(key._text, value);
    }

    /// <summary>At most 60 characters, with nothing in them that moves a terminal's cursor.</summary>
    internal static string Shown(string text)
    {
        string shown = text.Length > 60 ? text[..60] + "…" : text;
        return string.Concat(shown.Select(c => char.IsControl(c) ? '\uFFFD' : c));
    }

    private RunException Unfit(string expected, string hint = "") =>
        Error($"found {this}, expected {expected}.{hint}");

    /// <summary>Whether an unquoted scalar is a JSON number: -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?</summary>
    private bool IsNumber(out bool isWhole)
    {
        isWhole = false;
        if (Kind != YamlKind.Scalar || IsQuoted)
            return false;
        ReadOnlySpan<char> rest = _text;
        if (rest.StartsWith('-'))
            rest = rest[1..];
        int digits = Digits(ref rest, out char first);
        if (digits == 0 || (digits > 1 && first == '0'))
            return false;
        isWhole = rest.IsEmpty;
        if (rest.StartsWith('.'))
        {
            rest = rest[1..];
            if (Digits(ref rest, out _) == 0)
                return false;
        }
        if (rest.StartsWith('e') || rest.StartsWith('E'))
        {
            rest = rest[1..];
            if (rest.StartsWith('+') || rest.StartsWith('-'))
                rest = rest[1..];
            if (Digits(ref rest, out _) == 0)
                return false;
        }
        return rest.IsEmpty;
    }

    private static int Digits(ref ReadOnlySpan<char> rest, out char first)
    {
        int count = 0;
        while (count < rest.Length && char.IsAsciiDigit(rest[count]))
            count++;
        first = count > 0 ? rest[0] : '\0';
        rest = rest[count..];
        return count;
    }

    private string NumberHint() => _text switch
    {
        _ when Kind != YamlKind.Scalar => "",
        _ when IsQuoted => " Remove the quotes.",
        _ when _text.Contains('_') || _text.Contains(',') => " Write the digits without grouping, such as 1000.",
        _ when _text.TrimStart('-').StartsWith('0') && _text.TrimStart('-').All(char.IsAsciiDigit) =>
            " Write it without leading zeros.",
        _ when _text.Contains("inf", StringComparison.OrdinalIgnoreCase)
            || _text.Contains("nan", StringComparison.OrdinalIgnoreCase) => " Only finite numbers are accepted.",
        _ => " Write numbers like 12, -3, 0.5 or 1e-5, and counts in digits only.",
    };
}
