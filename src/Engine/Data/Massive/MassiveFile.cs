using System.Text.Json;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Reads the JSON Lines of one locale: every row whole and consistent, or the file is refused.</summary>
/// <remarks>
/// An object a line; id, locale, partition, intent, utt and annot_utt are strings that are there, other keys are passed
/// over. Without its marks annot_utt is utt, white space aside where <see cref="MassiveLocale.SplitsCharacters"/>.
/// </remarks>
public static class MassiveFile
{
    /// <summary>Rows of a file at most, so that a row's number fits the number of a sample.</summary>
    public const int MaxRows = 1 << 20;

    private const int MaxDepth = 8, MaxNodes = 1 << 16;

    private static readonly string[] Keys = ["id", "locale", "partition", "intent", "utt", "annot_utt"];

    /// <summary>All rows, in the order of the file.</summary>
    /// <exception cref="RunException">Exit 3, with file and line.</exception>
    public static IReadOnlyList<MassiveRow> Read(string path, MassiveLocale locale)
    {
        using var lines = new LineReader(path);
        var rows = new List<MassiveRow>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        while (lines.Read())
        {
            string place = $"{path}:{lines.Number}";
            if (lines.TooLong || rows.Count == MaxRows)
                throw new RunException(ExitCode.Config, lines.TooLong
                    ? $"{place}: the line is longer than {LineReader.MaxLineBytes >> 20} MiB."
                    : $"{place}: more than {MaxRows} rows.");
            MassiveRow row = Row(rows.Count, lines.Line, place, locale);
            if (!ids.Add(row.Id))
                throw new RunException(ExitCode.Config, $"{place}: the id '{row.Id}' is there twice.");
            rows.Add(row);
        }

        return rows.Count > 0 ? rows : throw new RunException(ExitCode.Config, $"{path}: has no rows.");
    }

    private static MassiveRow Row(int number, ReadOnlyMemory<byte> line, string place, MassiveLocale locale)
    {
        using JsonDocument json = StrictJson.Parse(line, place, ExitCode.Config, MaxDepth, MaxNodes);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
            throw new RunException(ExitCode.Config, $"{place}: expected a JSON object with {string.Join(", ", Keys)}.");
        string[] values = Array.ConvertAll(Keys, key => Text(json.RootElement, key, place));
        if (values[1] != locale.Code)
            throw new RunException(ExitCode.Config,
                $"{place}: the row is of '{YamlNode.Shown(values[1])}', the file of {locale.Code}.");
        Partition partition = EnumWord.Find<Partition>(values[2]) ?? throw new RunException(ExitCode.Config,
            $"{place}: partition is '{YamlNode.Shown(values[2])}', expected train, dev or test.");
        AnnotationPart[] parts = Annotation.Parse(values[5], place);
        if (!SameText(Annotation.Strip(parts), values[4], locale.SplitsCharacters))
            throw new RunException(ExitCode.Config,
                $"{place}: annot_utt without its marks is not utt: '{YamlNode.Shown(Annotation.Strip(parts))}' and "
                + $"'{YamlNode.Shown(values[4])}'.");
        return new MassiveRow(number, values[0], partition, values[3], values[4], parts);
    }

    private static string Text(JsonElement row, string key, string place) =>
        row.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            && value.GetString() is { Length: > 0 } text
            ? text
            : throw new RunException(ExitCode.Config, $"{place}: '{key}' is missing, empty or no string.");

    private static bool SameText(string stripped, string text, bool ignoresSpaces) =>
        stripped == text || (ignoresSpaces && WithoutSpaces(stripped) == WithoutSpaces(text));

    private static string WithoutSpaces(string text) => string.Concat(text.Where(letter => !char.IsWhiteSpace(letter)));
}
