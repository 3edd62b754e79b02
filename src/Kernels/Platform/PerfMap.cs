using System.Globalization;

namespace FastCpt.Kernels.Platform;

/// <summary>Names of machine code made at run time, where Linux's perf looks for them: /tmp/perf-PID.map.</summary>
/// <remarks>Written when FASTCPT_PERF_MAP is 1. A line is start and size in hexadecimal, then the name
/// (tools/perf/Documentation/jit-interface.txt of Linux).</remarks>
internal static class PerfMap
{
    public const string Variable = "FASTCPT_PERF_MAP";

    /// <summary>The runtime's own switch: 1 and 3 make it write the same file over ours.</summary>
    private const string RuntimeVariable = "DOTNET_PerfMapEnabled";

    private static readonly Lock Gate = new();

    /// <exception cref="DeviceException">The runtime writes the file already.</exception>
    public static void Add(nint start, int bytes, string name)
    {
        if (Environment.GetEnvironmentVariable(Variable) != "1" || !OperatingSystem.IsLinux())
            return;
        if (Environment.GetEnvironmentVariable(RuntimeVariable) is "1" or "3")
            throw new DeviceException(
                $"{Variable} and {RuntimeVariable}=1 write one file. Set {RuntimeVariable}=2, which writes another.");
        string path = string.Create(CultureInfo.InvariantCulture, $"/tmp/perf-{Environment.ProcessId}.map");
        lock (Gate)
            File.AppendAllText(path, string.Create(CultureInfo.InvariantCulture, $"{start:x} {bytes:x} {name}\n"));
    }
}
