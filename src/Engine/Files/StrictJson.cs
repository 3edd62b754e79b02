using System.Text.Json;
using System.Text.Unicode;

namespace FastCpt.Engine.Files;

/// <summary>Reads JSON that others wrote: strict UTF-8, no duplicate keys, finite numbers, bounded.</summary>
/// <remarks>
/// The platform's parser lets pass what is refused here: duplicate keys (the last wins), 1e999 (infinity), and escapes
/// of half a surrogate pair (an exception when the string is read, long after parsing).
/// </remarks>
public static class StrictJson
{
    public const int MaxBytes = 1 << 20;
    public const int MaxDepth = 64;

    /// <summary>A file as a document, which the caller disposes.</summary>
    /// <exception cref="RunException">With <paramref name="code"/>, naming file, line and column.</exception>
    public static JsonDocument Load(
        string path, ExitCode code, int maxBytes = MaxBytes, int maxDepth = MaxDepth, int maxNodes = int.MaxValue) =>
        Parse(InputFile.ReadAllBytes(path, code, maxBytes), path, code, maxDepth, maxNodes);

    /// <summary>JSON text as a document, which the caller disposes; the document keeps using the bytes.</summary>
    /// <param name="source">What errors name: a path, or path:line.</param>
    /// <param name="maxNodes">The most values (objects and arrays count as one, keys do not).</param>
    /// <exception cref="RunException">With <paramref name="code"/>, naming source, line and column.</exception>
    public static JsonDocument Parse(
        ReadOnlyMemory<byte> utf8, string source, ExitCode code, int maxDepth = MaxDepth, int maxNodes = int.MaxValue)
    {
        Check(utf8.Span, source, code, maxDepth, maxNodes);
        return JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = maxDepth });
    }

    /// <summary>Refuses text that <see cref="Parse"/> would refuse; builds no document.</summary>
    public static void Check(ReadOnlySpan<byte> utf8, string source, ExitCode code, int maxDepth, int maxNodes)
    {
        CheckEncoding(utf8, source, code);
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth });
        var keys = new List<HashSet<string>>();     // by depth of the object, reused by its later siblings
        int nodeCount = 0;
        try
        {
            while (reader.Read())
                CheckToken(ref reader, utf8, keys, source, code);
        }
        catch (JsonException e)
        {
            int at = TextPosition.Offset(utf8, e.LineNumber ?? 0, e.BytePositionInLine ?? 0);
            throw Refuse(utf8, at, source, code, PlainReason(e));
        }

        void CheckToken(
            ref Utf8JsonReader token, ReadOnlySpan<byte> text, List<HashSet<string>> keysByDepth, string file,
            ExitCode exitCode)
        {
            int at = (int)token.TokenStartIndex;
            if (token.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray)
                && ++nodeCount > maxNodes)
                throw Refuse(text, at, file, exitCode, $"more than {maxNodes} values.");
            switch (token.TokenType)
            {
                case JsonTokenType.StartObject:
                    while (keysByDepth.Count <= token.CurrentDepth)
                        keysByDepth.Add([]);
                    keysByDepth[token.CurrentDepth].Clear();
                    break;
                case JsonTokenType.PropertyName:
                    string key = Text(ref token) ?? throw Refuse(text, at, file, exitCode, LoneSurrogate);
                    if (!keysByDepth[token.CurrentDepth - 1].Add(key))
                        throw Refuse(text, at, file, exitCode, $"the key '{key}' is there twice in one object.");
                    break;
                case JsonTokenType.String when token.ValueIsEscaped && Text(ref token) is null:
                    throw Refuse(text, at, file, exitCode, LoneSurrogate);
                case JsonTokenType.Number when !token.TryGetDouble(out double value) || !double.IsFinite(value):
                    throw Refuse(text, at, file, exitCode, "the number is too large for a 64-bit float.");
            }
        }
    }

    private const string LoneSurrogate = "half of a surrogate pair (\\ud800 to \\udfff) stands alone in a string.";

    private static void CheckEncoding(ReadOnlySpan<byte> utf8, string source, ExitCode code)
    {
        if (utf8.StartsWith("\uFEFF"u8))
            throw Refuse(utf8, 0, source, code, "a byte order mark; save the file as UTF-8 without it.");
        if (!Utf8.IsValid(utf8))
            throw Refuse(utf8, TextPosition.FirstInvalid(utf8), source, code, "the bytes are not valid UTF-8.");
    }

    private static string? Text(ref Utf8JsonReader token)
    {
        try
        {
            return token.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The parser's message without its own position, which counts from 0.</summary>
    private static string PlainReason(JsonException e)
    {
        int end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return "not valid JSON: " + (end < 0 ? e.Message : e.Message[..end]);
    }

    private static RunException Refuse(ReadOnlySpan<byte> utf8, int offset, string source, ExitCode code, string what)
    {
        var (line, column) = TextPosition.LineAndColumn(utf8, offset);
        return new RunException(code, $"{source}:{line}:{column}: {what}");
    }
}
