using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt;

/// <summary>Where a verb writes: results to stdout, everything else to stderr.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error) : IDisposable
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(100);

    private readonly bool _canRedraw = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected
        && Environment.GetEnvironmentVariable("TERM") != "dumb"
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));

    private readonly Stopwatch _sinceProgress = new();
    private int _drawnWidth;

    public bool IsJson { get; init; }
    public bool IsQuiet { get; init; }
    public bool IsVerbose { get; init; }
    public bool ShowsProgress { get; init; }

    /// <summary>For lines of long works, which look at <see cref="IsQuiet"/> themselves.</summary>
    public TextWriter Notes => error;

    /// <summary>A line of the result.</summary>
    public void Result(string line)
    {
        ClearProgress();
        output.WriteLine(line);
    }

    /// <summary>The result as one JSON document.</summary>
    public void Result(JsonNode document)
    {
        var options = new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, options))
            document.WriteTo(writer);
        Result(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    /// <summary>A part of the result as one line of JSON, where there are many.</summary>
    public void ResultLine(JsonNode document) => Result(document.ToJsonString());

    /// <summary>A line for whoever watches; not part of the result.</summary>
    public void Note(string line)
    {
        if (!IsQuiet)
            Error(line);
    }

    /// <summary>A line that only --verbose shows.</summary>
    public void Detail(string line)
    {
        if (IsVerbose)
            Error(line);
    }

    /// <summary>A line that is always shown.</summary>
    public void Error(string line)
    {
        ClearProgress();
        error.WriteLine(line);
    }

    /// <summary>How far a long work is: one line that is redrawn on a terminal, else a line every 10 seconds.</summary>
    public void Progress(string line)
    {
        if (!ShowsProgress || (_sinceProgress.IsRunning && _sinceProgress.Elapsed < Interval()))
            return;
        bool isFirst = !_sinceProgress.IsRunning;
        _sinceProgress.Restart();
        if (_canRedraw)
        {
            error.Write($"\r{line.PadRight(_drawnWidth)}");
            _drawnWidth = line.Length;
        }
        else if (!isFirst)
        {
            error.WriteLine(line);
        }
    }

    public void Dispose() => ClearProgress();

    private TimeSpan Interval() => _canRedraw ? RedrawInterval : LineInterval;

    private void ClearProgress()
    {
        if (_drawnWidth == 0)
            return;
        error.Write($"\r{new string(' ', _drawnWidth)}\r");
        _drawnWidth = 0;
    }
}
