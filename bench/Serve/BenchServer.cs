using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Bench.Serve;

/// <summary>Times cases on request, line by line: what `fastcpt bench compare` talks to.</summary>
/// <remarks>
/// Requests "list", "open NAME", "time CALLS", "close"; every answer is a JSON object on a line. FASTCPT_BENCH_DELAY,
/// as in "Rope=0.1", makes every case with such a part in its name slower by that share: it proves that a comparison
/// finds what it should.
/// </remarks>
internal sealed class BenchServer(TextWriter answers)
{
    private const string DelayVariable = "FASTCPT_BENCH_DELAY";
    private const int WarmupCalls = 3, AllocationSamples = 3;

    // The runtime compiles a method anew after 30 calls and 0.1 s in which nothing else was compiled.
    private const double WarmupSeconds = 0.3;

    private ServedCase? _case;
    private OpenCase? _open;

    public static int Run(TextReader requests, TextWriter answers)
    {
        var server = new BenchServer(answers);
        while (requests.ReadLine() is { } request)
            server.Answer(request);
        server.Close();
        return 0;
    }

    private void Answer(string request)
    {
        int space = request.IndexOf(' ');
        (string verb, string rest) = space < 0 ? (request, "") : (request[..space], request[(space + 1)..]);
        try
        {
            Action<Utf8JsonWriter> write = verb switch
            {
                "list" => List(),
                "open" => Open(rest),
                "time" => Time(int.Parse(rest, CultureInfo.InvariantCulture)),
                "close" => Close(),
                _ => throw new ArgumentException($"'{verb}' is none of list, open, time and close"),
            };
            Write(write);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or DeviceException)
        {
            Write(json => json.WriteString("error", exception.Message));
        }
    }

    private static Action<Utf8JsonWriter> List()
    {
        using Backend backend = Backends.Open("cpu");
        (string isa, int threads) = (backend.InstructionSet, backend.Threads);
        return json =>
        {
            json.WriteString("processor", Processor());
            json.WriteString("isa", isa);
            json.WriteNumber("threads", threads);
            json.WriteString("commit", Commit());
            json.WriteStartArray("cases");
            foreach (ServedCase served in ServedCase.All)
            {
                json.WriteStartObject();
                json.WriteString("name", served.Name);
                json.WriteBoolean("step", served.IsStep);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        };
    }

    private Action<Utf8JsonWriter> Open(string name)
    {
        Close();
        _case = ServedCase.All.FirstOrDefault(served => served.Name == name)
            ?? throw new ArgumentException($"there is no case '{name}'");
        OpProfile profile = new() { IsRecording = true };
        OpenCase counted = _case.Open(profile);
        int before = profile.Calls.Count;
        counted.Call();
        OpCost[] costs = [.. profile.Calls.Skip(before).Select(call => call.Cost)];
        counted.Close();

        _open = _case.Open(null);
        long start = Stopwatch.GetTimestamp();
        for (int call = 0;
             call < WarmupCalls || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmupSeconds;
             call++)
            _open.Call();
        long allocated = Enumerable.Range(0, AllocationSamples).Min(_ => Allocated(_open));
        return json =>
        {
            json.WriteNumber("allocated", allocated);
            json.WriteNumber("flops", costs.Sum(cost => cost.Flops));
            json.WriteNumber("bytes", costs.Sum(cost => cost.Bytes));
        };
    }

    /// <summary>Bytes that a call allocates on all threads together.</summary>
    private static long Allocated(OpenCase open)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        open.Call();
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private Action<Utf8JsonWriter> Time(int calls)
    {
        if (_open is null || _case is null)
            throw new ArgumentException("no case is open");
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++)
            _open.Call();
        double delay = Delay(_case.Name);
        long until = start + (long)((Stopwatch.GetTimestamp() - start) * (1 + delay));
        while (delay > 0 && Stopwatch.GetTimestamp() < until)
            Thread.SpinWait(10);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return json => json.WriteNumber("seconds", seconds);
    }

    private Action<Utf8JsonWriter> Close()
    {
        _open?.Close();
        _open = null;
        return _ => { };
    }

    private static double Delay(string name)
    {
        string[] parts = (Environment.GetEnvironmentVariable(DelayVariable) ?? "").Split('=');
        return parts.Length == 2 && name.Contains(parts[0], StringComparison.OrdinalIgnoreCase)
            ? double.Parse(parts[1], CultureInfo.InvariantCulture)
            : 0;
    }

    /// <summary>That the compiler noted after the version, as in 1.2.3+commit.</summary>
    private static string Commit() =>
        typeof(BenchServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?
            .InformationalVersion.Split('+', 2) is [_, var commit] ? commit : "unknown";

    private static string Processor()
    {
        const string Facts = "/proc/cpuinfo";
        string? line = File.Exists(Facts)
            ? File.ReadLines(Facts).FirstOrDefault(one => one.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?.Split(':', 2)[1].Trim() ?? "unknown";
    }

    private void Write(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        answers.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
        answers.Flush();
    }
}
