using System.Globalization;
using System.Text.Json;

namespace FastCpt.Engine.Training;

/// <summary>What one log line says; rates are over the steps since the line before.</summary>
public readonly record struct StepReport
{
    public required long Step { get; init; }

    /// <summary>Trained on since step 0.</summary>
    public required long Tokens { get; init; }

    /// <summary>Nats per predicted token, of the last step.</summary>
    public required double LossNats { get; init; }

    /// <summary>Before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>What pulls the weights to their start, at the loss's weights; NaN where nothing does.</summary>
    public double Penalty { get; init; }

    public required double LearningRate { get; init; }

    public required double TokensPerSecond { get; init; }

    /// <summary>Share of the device's arithmetic peak; NaN where the peak is not known.</summary>
    public required double Utilization { get; init; }

    /// <summary>Largest resident memory of the process so far.</summary>
    public required long PeakMemoryBytes { get; init; }

    /// <summary>Share of the time that went into making batches.</summary>
    public required double DataShare { get; init; }

    public required TimeSpan Remaining { get; init; }
}

/// <summary>
/// The run's records: one JSON line an event in metrics.jsonl, the same scalars for TensorBoard, a line to read.
/// </summary>
/// <remarks>
/// metrics.jsonl only grows by whole lines; every line carries run, attempt and step, so a reader keeps the last
/// attempt of each step. A number that is not finite is null, and its name and kind stand under "nonfinite". Failing
/// to write never stops training: it is said once.
/// </remarks>
public sealed class RunLog : IDisposable
{
    private readonly string _runId;
    private readonly int _attempt;
    private readonly TextWriter _console;
    private readonly bool _quiet, _showsProgress;
    private readonly long _start = Environment.TickCount64;
    private readonly MemoryStream _line = new();
    private readonly List<(string Name, double Value)> _nonFinite = [];
    private FileStream? _metrics;
    private TensorBoardEvents? _events;

    /// <param name="folder">The run's folder.</param>
    /// <param name="attempt">1 for a fresh run, one more after each resume.</param>
    /// <param name="console">For lines to read.</param>
    /// <param name="showsProgress">Whether these include every report of a step.</param>
    public RunLog(
        string folder, string runId, int attempt, TextWriter console, bool quiet = false, bool showsProgress = true)
    {
        (_runId, _attempt, _console) = (runId, attempt, console);
        (_quiet, _showsProgress) = (quiet, showsProgress);
        try
        {
            _metrics = new FileStream(
                Path.Combine(folder, "metrics.jsonl"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.ReadWrite);
            GoToEndOfLines(_metrics);
            _events = new TensorBoardEvents(Path.Combine(folder, "tb"), DateTimeOffset.UtcNow);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            GiveUp(exception);
        }
    }

    public void Say(string message)
    {
        if (!_quiet)
            _console.WriteLine(message);
    }

    /// <summary>Something to read even when progress is not wanted.</summary>
    public void Warn(string message) => _console.WriteLine($"warning: {message}");

    public void Step(in StepReport report)
    {
        if (_showsProgress)
            Say(Format(report));
        ReadOnlySpan<(string, double)> values =
        [
            ("penalty", report.Penalty), ("loss", report.LossNats), ("grad_norm", report.GradientNorm),
            ("learning_rate", report.LearningRate), ("tokens_per_second", report.TokensPerSecond),
            ("mfu", report.Utilization), ("peak_memory_bytes", report.PeakMemoryBytes),
            ("data_share", report.DataShare),
        ];
        Write("step", report.Step, report.Tokens, double.IsNaN(report.Penalty) ? values[1..] : values);
    }

    /// <summary>One event with named numbers, such as an evaluation.</summary>
    public void Write(string kind, long step, long tokens, ReadOnlySpan<(string Name, double Value)> values)
    {
        try
        {
            WriteLine(kind, step, tokens, values);
            foreach ((string name, double value) in values)
                _events?.Write($"{kind}/{name}", (float)value, step, DateTimeOffset.UtcNow);
            _events?.Flush();
        }
        catch (IOException exception)
        {
            GiveUp(exception);
        }
    }

    public void Dispose()
    {
        _metrics?.Dispose();
        _events?.Dispose();
        _line.Dispose();
    }

    internal static string Format(in StepReport report)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string rate = report.TokensPerSecond.ToString("#,0", culture).Replace(',', ' ');
        string mfu = double.IsNaN(report.Utilization) ? "" : string.Create(culture, $"  mfu {report.Utilization:P1}");
        return string.Create(
            culture,
            $"step {report.Step}  loss {report.LossNats:F4}  gnorm {report.GradientNorm:F2}  "
            + $"lr {report.LearningRate:0.0e-00}  tok/s {rate}{mfu.Replace(" %", "%")}  "
            + $"mem {report.PeakMemoryBytes / (double)(1 << 30):F1}GiB  "
            + $"data {100 * report.DataShare:F1}%  "
            + $"eta {(long)report.Remaining.TotalHours:00}:{report.Remaining:mm\\:ss}");
    }

    /// <summary>A line that a crash left without its end is taken away, so that every line can be read.</summary>
    private static void GoToEndOfLines(FileStream metrics)
    {
        long end = metrics.Seek(0, SeekOrigin.End);
        for (; end > 0; end--)
        {
            metrics.Position = end - 1;
            if (metrics.ReadByte() == '\n')
                break;
        }

        metrics.SetLength(end);
        metrics.Position = end;
    }

    private void WriteLine(string kind, long step, long tokens, ReadOnlySpan<(string Name, double Value)> values)
    {
        if (_metrics is null)
            return;
        _line.SetLength(0);
        _nonFinite.Clear();
        using (var json = new Utf8JsonWriter(_line))
        {
            json.WriteStartObject();
            json.WriteString("run_id", _runId);
            json.WriteNumber("attempt", _attempt);
            json.WriteString("event", kind);
            json.WriteNumber("step", step);
            json.WriteNumber("tokens", tokens);
            json.WriteNumber("wall_s", (Environment.TickCount64 - _start) / 1000.0);
            foreach ((string name, double value) in values)
                WriteNumber(json, name, value);
            if (_nonFinite.Count > 0)
            {
                json.WriteStartObject("nonfinite");
                foreach ((string name, double value) in _nonFinite)
                    json.WriteString(name, double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        _line.WriteByte((byte)'\n');
        _metrics.Write(_line.GetBuffer(), 0, (int)_line.Length);
        _metrics.Flush();
    }

    private void WriteNumber(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
            return;
        }

        json.WriteNull(name);
        _nonFinite.Add((name, value));
    }

    private void GiveUp(Exception exception)
    {
        Warn($"metrics are no longer written: {exception.Message}");
        _metrics?.Dispose();
        _events?.Dispose();
        (_metrics, _events) = (null, null);
    }
}
