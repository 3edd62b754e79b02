using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt.Engine.Config;

/// <summary>Configurations as text: YAML that reads back to the same values, JSON, and JSON Schema.</summary>
internal static class ConfigText
{
    private const int CommentWidth = 100;

    /// <summary>A map in block style; inner lists and empty maps in flow style.</summary>
    /// <param name="comments">Written above keys, by dotted path, each once; `*` stands for any name.</param>
    public static string Yaml(JsonObject map, IReadOnlyDictionary<string, string>? comments = null)
    {
        var text = new StringBuilder();
        var said = new HashSet<string>();
        WriteMap(map, "", 0);
        return text.ToString();

        void WriteMap(JsonObject values, string path, int depth)
        {
            foreach (var (key, value) in values)
            {
                string inner = path + key;
                if (comments is not null && !comments.ContainsKey(inner))
                    inner = path + "*";
                if (comments?.GetValueOrDefault(inner) is { } comment && said.Add(comment))
                    WriteComment(comment, depth);
                text.Append(' ', 2 * depth).Append(Scalar(key)).Append(':');
                if (value is JsonObject { Count: > 0 } section)
                {
                    text.Append('\n');
                    WriteMap(section, inner + ".", depth + 1);
                }
                else
                {
                    text.Append(' ').Append(Flow(value)).Append('\n');
                }
            }
        }

        void WriteComment(string comment, int depth)
        {
            if (depth == 0 && text.Length > 0)
                text.Append('\n');
            foreach (string line in Wrapped(comment, CommentWidth - 2 * depth))
                text.Append(' ', 2 * depth).Append("# ").Append(line).Append('\n');
        }
    }

    /// <summary>Indented JSON that ends with a line end.</summary>
    public static string Json(JsonNode node)
    {
        using var bytes = new MemoryStream();
        var options = new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (var writer = new Utf8JsonWriter(bytes, options))
            node.WriteTo(writer);
        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    /// <summary>JSON Schema of files that a section reads, for editors.</summary>
    public static string Schema<T>(Section<T> section, string title)
    {
        JsonObject schema = section.Schema();
        ((JsonObject)schema["properties"]!).Add("extends", new JsonObject
        {
            ["type"] = "string",
            ["description"] = "A file in the same folder that this one begins from.",
        });
        // A file that extends another may leave out what the other gives.
        schema.Remove("required");
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", title);
        return Json(schema);
    }

    /// <summary>Values that differ, by dotted path: (path, left, right); absent is an empty text.</summary>
    public static IReadOnlyList<(string Path, string Left, string Right)> Differences(JsonNode? left, JsonNode? right)
    {
        var differences = new List<(string, string, string)>();
        Compare("", left, right);
        return differences;

        void Compare(string path, JsonNode? a, JsonNode? b)
        {
            if (a is JsonObject one && b is JsonObject other)
            {
                string[] keys = [.. one.Select(pair => pair.Key)];
                string[] others = [.. other.Select(pair => pair.Key)];
                foreach (string key in keys.Union(others))
                    Compare(path.Length == 0 ? key : path + "." + key, Value(one, key), Value(other, key));
                if (keys.Length == others.Length && !keys.Except(others).Any() && !keys.SequenceEqual(others))
                    differences.Add((path, Order(keys), Order(others)));
            }
            else if (!JsonNode.DeepEquals(a, b))
            {
                differences.Add((path, Flow(a), Flow(b)));
            }
        }

        static string Order(string[] keys) => "the order " + string.Join(", ", keys);

        static JsonNode? Value(JsonObject map, string key) =>
            map.TryGetPropertyValue(key, out JsonNode? value) ? value : null;
    }

    private static string Flow(JsonNode? node) => node switch
    {
        null => "null",
        JsonArray list => "[" + string.Join(", ", list.Select(Flow)) + "]",
        JsonObject map => "{" + string.Join(", ", map.Select(pair => $"{Scalar(pair.Key)}: {Flow(pair.Value)}")) + "}",
        JsonValue value when value.TryGetValue(out string? text) => Scalar(text),
        JsonValue value when value.TryGetValue(out double number) && !value.TryGetValue(out long _) => Number(number),
        _ => node.ToJsonString(),
    };

    /// <summary>The shortest digits that read back to the same number: 0.001, 1e-8, 2.</summary>
    private static string Number(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int at = text.IndexOf('E');
        if (at < 0)
            return text;
        int exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return $"{text[..at]}e{exponent.ToString(CultureInfo.InvariantCulture)}";
    }

    /// <summary>Text as it is where YAML takes it so, else in double quotes with JSON's escapes.</summary>
    private static string Scalar(string text)
    {
        bool isPlain = text is not ("" or "null") && text[0] != '-'
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '.' or '-');
        return isPlain ? text : $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
    }

    private static IEnumerable<string> Wrapped(string text, int width)
    {
        var line = new StringBuilder();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }
            line.Append(line.Length > 0 ? " " : "").Append(word);
        }
        yield return line.ToString();
    }
}
