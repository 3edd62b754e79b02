using System.Text;
using System.Text.Unicode;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace FastCpt.Engine.Files;

/// <summary>Reads YAML, and JSON as its subset, that others wrote: plain data of bounded size.</summary>
/// <remarks>
/// Anchors, aliases, tags, merge keys, directives, several documents, duplicate keys and tabs in indentation are
/// refused. Only the parser's events are used, in a loop with an own stack: depth costs no machine stack.
/// </remarks>
public static class StrictYaml
{
    public const int MaxBytes = 1 << 20;
    public const int MaxDepth = 32;
    public const int MaxNodes = 10_000;

    /// <summary>The one document of a file.</summary>
    /// <exception cref="RunException">With <paramref name="code"/>, naming file, line and column.</exception>
    public static YamlNode Load(string path, ExitCode code = ExitCode.Config) =>
        Parse(InputFile.ReadAllBytes(path, code, MaxBytes), path, code);

    /// <summary>The one document of a text.</summary>
    /// <param name="source">What errors name: a path, or an option such as --set.</param>
    /// <exception cref="RunException">With <paramref name="code"/>, naming source, line and column.</exception>
    public static YamlNode Parse(string text, string source, ExitCode code = ExitCode.Config) =>
        Parse(Encoding.UTF8.GetBytes(text), source, code);

    /// <inheritdoc cref="Parse(string, string, ExitCode)"/>
    public static YamlNode Parse(ReadOnlySpan<byte> utf8, string source, ExitCode code = ExitCode.Config)
    {
        if (utf8.Length > MaxBytes)
            throw new RunException(code, $"{source}: {utf8.Length} bytes, at most {MaxBytes} are accepted.");
        if (!Utf8.IsValid(utf8))
        {
            var (line, column) = TextPosition.LineAndColumn(utf8, TextPosition.FirstInvalid(utf8));
            throw Refuse(line, column, "the bytes are not valid UTF-8.");
        }
        string text = Encoding.UTF8.GetString(utf8).TrimStart('\uFEFF');
        CheckLines(text);
        return new Builder(source, code).Read(new Parser(new StringReader(text)));

        RunException Refuse(int line, int column, string what) => new(code, $"{source}:{line}:{column}: {what}");

        void CheckLines(string content)
        {
            bool isJson = content.AsSpan().TrimStart().StartsWith('{');
            int number = 0;
            foreach (ReadOnlySpan<char> line in content.AsSpan().EnumerateLines())
            {
                number++;
                int tab = line[..^line.TrimStart().Length].IndexOf('\t');
                if (tab >= 0 && !isJson && !line.Trim().IsEmpty)
                    throw Refuse(number, tab + 1, "a tab in the indentation. Use spaces.");
                if (line.StartsWith('%'))
                    throw Refuse(number, 1, "a line that starts with '%': directives are not accepted.");
                for (int i = 0; i < line.Length; i++)
                    if (char.IsControl(line[i]) && line[i] != '\t')
                        throw Refuse(number, i + 1, $"the control character U+{(int)line[i]:X4}.");
            }
        }
    }

    /// <summary>Turns parser events into a tree.</summary>
    private sealed class Builder(string source, ExitCode code)
    {
        private readonly Stack<(YamlNode Node, YamlNode? Key)> _open = new();
        private YamlNode? _root;
        private int _nodeCount;

        public YamlNode Read(IParser parser)
        {
            bool sawDocument = false;
            while (MoveNext(parser))
            {
                switch (parser.Current)
                {
                    case DocumentStart start when sawDocument:
                        throw Refuse(start, "a second document. One file holds one.");
                    case DocumentStart:
                        sawDocument = true;
                        break;
                    case AnchorAlias alias:
                        throw Refuse(alias, $"the alias '*{YamlNode.Shown(alias.Value.Value)}'. "
                            + "Write the value out: anchors and aliases are not accepted.");
                    case NodeEvent node:
                        Start(node);
                        break;
                    case SequenceEnd or MappingEnd:
                        _open.Pop();
                        break;
                }
            }
            return _root ?? throw new RunException(code, $"{source}:1:1: the text is empty, expected a map.");
        }

        private bool MoveNext(IParser parser)
        {
            Mark last = parser.Current?.End ?? new Mark(0, 1, 1);
            try
            {
                return parser.MoveNext();
            }
            catch (YamlException e)
            {
                throw new RunException(
                    code, $"{source}:{e.Start.Line}:{e.Start.Column}: not valid YAML: {e.Message}", e);
            }
            catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException
                or ArithmeticException or IndexOutOfRangeException or NullReferenceException)
            {
                // The parser meets some malformed texts with an exception of its own making, without a place.
                throw new RunException(
                    code, $"{source}:{last.Line}:{last.Column}: not valid YAML after this place.", e);
            }
        }

        private void Start(NodeEvent e)
        {
            if (!e.Anchor.IsEmpty)
                throw Refuse(e, $"the anchor '&{YamlNode.Shown(e.Anchor.Value)}'. "
                    + "Write the value out: anchors and aliases are not accepted.");
            if (!e.Tag.IsEmpty)
                throw Refuse(e, "a tag. What a value is read as depends on its key: remove what starts with '!'.");
            if (++_nodeCount > MaxNodes)
                throw Refuse(e, $"more than {MaxNodes} keys and values.");

            YamlNode node = Create(e);
            Attach(node);
            if (node.Kind == YamlKind.Scalar)
                return;
            if (_open.Count == MaxDepth)
                throw Refuse(e, $"lists and maps nested more than {MaxDepth} deep.");
            _open.Push((node, null));
        }

        private YamlNode Create(NodeEvent e)
        {
            var (line, column) = ((int)e.Start.Line, (int)e.Start.Column);
            return e switch
            {
                Scalar scalar => new YamlNode(
                    source, code, line, column, scalar.Value, scalar.Style != ScalarStyle.Plain),
                SequenceStart => new YamlNode(source, code, line, column, YamlKind.List),
                _ => new YamlNode(source, code, line, column, YamlKind.Map),
            };
        }

        private void Attach(YamlNode node)
        {
            if (!_open.TryPop(out (YamlNode Node, YamlNode? Key) parent))
            {
                _root = node;
                return;
            }
            if (parent.Node.Kind == YamlKind.List)
            {
                parent.Node.Add(node);
            }
            else if (parent.Key is null)
            {
                CheckKey(node);
                parent.Key = node;
            }
            else
            {
                if (!parent.Node.Add(parent.Key, node))
                    throw parent.Key.Error($"the key {parent.Key} is there twice in one map.");
                parent.Key = null;
            }
            _open.Push(parent);
        }

        private static void CheckKey(YamlNode key)
        {
            if (key.Kind != YamlKind.Scalar || key.IsNull)
                throw key.Error($"found {key} as a key, expected text.");
            if (!key.IsQuoted && key.AsText() == "<<")
                throw key.Error("a merge key '<<'. Write the keys out.");
        }

        private RunException Refuse(ParsingEvent e, string what) =>
            new(code, $"{source}:{e.Start.Line}:{e.Start.Column}: {what}");
    }
}
