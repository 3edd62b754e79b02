using System.Globalization;
using System.Text;
using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Benchmarks;

/// <summary>One side of a comparison: a bench program that answers requests line by line.</summary>
/// <remarks>Requests are "list", "open NAME", "time CALLS" and "close"; each answer is one JSON object on one line,
/// with a key "error" where a request fails.</remarks>
/// <param name="name">For messages.</param>
/// <param name="start">Starts the program, in the place of one that runs already: what it reads, what it writes.
/// </param>
public sealed class BenchPeer(string name, Func<(TextWriter Requests, TextReader Answers)> start)
{
    private (TextWriter Requests, TextReader Answers) _program = start();

    public string Name => name;

    /// <summary>Goes on with a new process, whose memory and threads lie elsewhere; no case is open.</summary>
    public void Restart() => _program = start();

    /// <summary>What the program can time, where it runs, and the commit that it was built at.</summary>
    /// <exception cref="RunException">Exit 3: the program is no bench program, or refuses; so for all requests.
    /// </exception>
    public (BenchMachine Machine, string Commit, IReadOnlyList<BenchCase> Cases) List()
    {
        using JsonDocument answer = Ask("list");
        return Read(answer, root => (
            new BenchMachine(
                root.GetProperty("processor").GetString() ?? "", root.GetProperty("isa").GetString() ?? "",
                root.GetProperty("threads").GetInt32()),
            root.TryGetProperty("commit", out JsonElement commit) ? commit.GetString() ?? "" : "unknown",
            (IReadOnlyList<BenchCase>)
            [
                .. root.GetProperty("cases").EnumerateArray().Select(one => new BenchCase(
                    one.GetProperty("name").GetString() ?? "", one.GetProperty("step").GetBoolean())),
            ]));
    }

    /// <summary>Makes a case's operands, warms it up and counts.</summary>
    public BenchCounters Open(string benchCase)
    {
        using JsonDocument answer = Ask($"open {benchCase}");
        return Read(answer, root => new BenchCounters(
            root.GetProperty("allocated").GetInt64(), root.GetProperty("flops").GetDouble(),
            root.GetProperty("bytes").GetDouble()));
    }

    /// <summary>Times the open case.</summary>
    /// <returns>Seconds a call.</returns>
    public double Time(int calls)
    {
        using JsonDocument answer = Ask(string.Create(CultureInfo.InvariantCulture, $"time {calls}"));
        double seconds = Read(answer, root => root.GetProperty("seconds").GetDouble());
        return seconds > 0 ? seconds / calls : throw Failure($"{calls} calls took {seconds} seconds");
    }

    public void Close() => Ask("close").Dispose();

    private JsonDocument Ask(string request)
    {
        string? line;
        try
        {
            _program.Requests.WriteLine(request);
            _program.Requests.Flush();
            line = _program.Answers.ReadLine();
        }
        catch (IOException exception)
        {
            throw Failure($"'{request}': {exception.Message}");
        }

        if (line is null)
            throw Failure($"it ended at '{request}'");
        JsonDocument answer = StrictJson.Parse(Encoding.UTF8.GetBytes(line), name, ExitCode.Config);
        if (!answer.RootElement.TryGetProperty("error", out JsonElement error))
            return answer;
        string message = error.ToString();
        answer.Dispose();
        throw Failure($"'{request}': {message}");
    }

    private T Read<T>(JsonDocument answer, Func<JsonElement, T> read)
    {
        try
        {
            return read(answer.RootElement);
        }
        catch (Exception exception)
            when (exception is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Failure($"an answer that is not understood: {exception.Message}");
        }
    }

    private RunException Failure(string what) => new(
        ExitCode.Config, $"{name}: {what}. A bench program of this project, built in Release, is expected.");
}
