using System.Text.Json;
using System.Text.Unicode;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>Reads the documents of one file: .jsonl or .txt, each also as .gz.</summary>
/// <remarks>
/// JSONL: an object a line, with its text (a string under the named key) and, where there is one, an "id" (a string or
/// a whole number); other keys are passed over, blank lines too. Text: documents are separated by blank lines, their
/// lines joined by LF. Bytes are kept as they are, controls included; nothing is normalised. A document without text
/// is a bad line.
/// </remarks>
public sealed class DocumentReader : IDisposable
{
    private const int MaxDepth = 64, MaxNodes = 1 << 20;

    private readonly string _path;
    private readonly BadLines _badLines;
    private readonly LineReader _lines;
    private readonly bool _isJson;
    private readonly string _textField;
    private byte[] _text = new byte[1 << 12];
    private int _textLength;

    /// <exception cref="RunException">Exit 3: the file is not readable, or its name has another ending.</exception>
    public DocumentReader(string path, BadLines badLines, string textField = "text")
    {
        (_path, _badLines, _textField) = (path, badLines, textField);
        _isJson = IsJson(path);
        _lines = new LineReader(path);
    }

    /// <summary>The document's own name, the same in all languages of a parallel text; null without one.</summary>
    public string? Id { get; private set; }

    /// <summary>UTF-8; stays until the next call of <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> Text => _text.AsSpan(0, _textLength);

    /// <summary>Goes to the next document; false at the end of the file.</summary>
    /// <exception cref="RunException">Exit 3, with file and line: too many bad lines, or a bad file.</exception>
    public bool Read()
    {
        Id = null;
        _textLength = 0;
        return _isJson ? ReadJson() : ReadParagraphs();
    }

    public void Dispose() => _lines.Dispose();

    private static bool IsJson(string path)
    {
        string name = path.EndsWith(".gz", StringComparison.Ordinal) ? path[..^3] : path;
        return name.EndsWith(".jsonl", StringComparison.Ordinal)
            || (name.EndsWith(".txt", StringComparison.Ordinal)
                ? false
                : throw new RunException(ExitCode.Config,
                    $"{path}: text is read from files named .jsonl, .jsonl.gz, .txt or .txt.gz. Rename the file."));
    }

    private bool ReadJson()
    {
        while (_lines.Read())
        {
            if (!_lines.TooLong && IsBlank(_lines.Line.Span))
                continue;
            try
            {
                ParseLine();
                return true;
            }
            catch (BadLineException e)
            {
                _badLines.Add(_path, _lines.Number, e.Message);
            }
        }

        return false;
    }

    private void ParseLine()
    {
        if (_lines.TooLong)
            throw new BadLineException(TooLong);
        ReadOnlySpan<byte> line = _lines.Line.Span;
        try
        {
            StrictJson.Check(line, "", ExitCode.Config, MaxDepth, MaxNodes);
        }
        catch (RunException e)
        {
            // The checker starts its message with ":line:column:", and the line is always the first of one.
            throw new BadLineException("column " + e.Message[":1:".Length..]);
        }

        var json = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = MaxDepth });
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw new BadLineException($"expected a JSON object with the string \"{_textField}\".");
        bool hasText = false;
        Id = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool isText = json.ValueTextEquals(_textField), isId = json.ValueTextEquals("id"u8);
            json.Read();
            if (isText)
                (hasText, _textLength) = (true, TakeText(ref json));
            else if (isId)
                Id = TakeId(ref json);
            else
                json.Skip();
        }

        if (!hasText)
            throw new BadLineException($"there is no \"{_textField}\".");
        if (IsBlank(Text))
            throw new BadLineException($"\"{_textField}\" is empty.");
    }

    private int TakeText(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.String)
            throw new BadLineException($"\"{_textField}\" is of type {json.TokenType}, expected a string.");
        Reserve(json.ValueSpan.Length);             // unescaping never makes it longer
        return json.CopyString(_text);
    }

    private static string? TakeId(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.String => json.GetString(),
        JsonTokenType.Number when json.TryGetInt64(out long number) => $"{number}",
        JsonTokenType.Null => null,
        _ => throw new BadLineException("\"id\" is neither a string nor a whole number."),
    };

    private bool ReadParagraphs()
    {
        while (_lines.Read())
        {
            ReadOnlySpan<byte> line = _lines.Line.Span;
            if (_lines.TooLong)
                _badLines.Add(_path, _lines.Number, TooLong);
            else if (!Utf8.IsValid(line))
                _badLines.Add(_path, _lines.Number, "the bytes are not valid UTF-8.");
            else if (!IsBlank(line))
                AddLine(line);
            else if (_textLength > 0)
                return true;
        }

        return _textLength > 0;
    }

    private void AddLine(ReadOnlySpan<byte> line)
    {
        int length = _textLength == 0 ? line.Length : _textLength + 1 + line.Length;
        if (length > LineReader.MaxLineBytes)
            throw new RunException(ExitCode.Config,
                $"{_path}:{_lines.Number}: the document up to here is longer than {LineReader.MaxLineBytes >> 20} " +
                "MiB. Documents in text files are separated by blank lines.");
        Reserve(length);
        if (_textLength > 0)
            _text[_textLength++] = (byte)'\n';
        line.CopyTo(_text.AsSpan(_textLength));
        _textLength = length;
    }

    private void Reserve(int length)
    {
        if (length > _text.Length)
            Array.Resize(ref _text, Math.Max(length, Math.Min(_text.Length * 2, LineReader.MaxLineBytes)));
    }

    private static bool IsBlank(ReadOnlySpan<byte> text) => text.TrimStart(" \t\r\n\v\f"u8).IsEmpty;

    private static readonly string TooLong = $"the line is longer than {LineReader.MaxLineBytes >> 20} MiB.";

    private sealed class BadLineException(string message) : Exception(message);
}
