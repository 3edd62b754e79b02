using System.ComponentModel;
using System.Diagnostics;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Benchmarks;

/// <summary>A bench program that runs beside this one and waits for requests.</summary>
public sealed class BenchProcess : IDisposable
{
    private readonly Process _process;

    /// <param name="program">A bench program: FastCpt.Bench, or its .dll, or the folder of its build.</param>
    /// <exception cref="RunException">Exit 3: there is no such program, or it does not start.</exception>
    public BenchProcess(string program)
    {
        string file = Directory.Exists(program) ? Path.Combine(program, "FastCpt.Bench.dll") : program;
        if (!File.Exists(file))
            throw new RunException(
                ExitCode.Config, $"{file}: there is no such file. Build it: dotnet build -c Release bench");
        bool isAssembly = file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(isAssembly ? "dotnet" : Path.GetFullPath(file))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        if (isAssembly)
            start.ArgumentList.Add(Path.GetFullPath(file));
        start.ArgumentList.Add("serve");
        try
        {
            _process = Process.Start(start)
                ?? throw new InvalidOperationException("A program that no shell starts is a new process.");
        }
        catch (Win32Exception exception)
        {
            throw new RunException(ExitCode.Config, $"{file} does not start: {exception.Message}", exception);
        }

        Peer = new BenchPeer(program, _process.StandardInput, _process.StandardOutput);
    }

    public BenchPeer Peer { get; }

    public void Dispose()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself.
        }

        _process.Dispose();
    }
}
