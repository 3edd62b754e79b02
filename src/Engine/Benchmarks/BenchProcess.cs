using System.ComponentModel;
using System.Diagnostics;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Benchmarks;

/// <summary>A bench program that runs beside this one and waits for requests.</summary>
public sealed class BenchProcess : IDisposable
{
    private readonly ProcessStartInfo _start;
    private Process? _process;

    /// <param name="program">A bench program: FastCpt.Bench, or its .dll, or the folder of its build.</param>
    /// <exception cref="RunException">Exit 3: there is no such program, or it does not start.</exception>
    public BenchProcess(string program)
    {
        string file = Directory.Exists(program) ? Path.Combine(program, "FastCpt.Bench.dll") : program;
        if (!File.Exists(file))
            throw new RunException(
                ExitCode.Config, $"{file}: there is no such file. Build it: dotnet build -c Release bench");
        bool isAssembly = file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        _start = new ProcessStartInfo(isAssembly ? "dotnet" : Path.GetFullPath(file))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        if (isAssembly)
            _start.ArgumentList.Add(Path.GetFullPath(file));
        _start.ArgumentList.Add("serve");
        Peer = new BenchPeer(program, () => Start(file));
    }

    public BenchPeer Peer { get; }

    public void Dispose()
    {
        if (_process is not { } process)
            return;
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself.
        }

        process.Dispose();
        _process = null;
    }

    private (TextWriter Requests, TextReader Answers) Start(string file)
    {
        Dispose();
        try
        {
            _process = Process.Start(_start)
                ?? throw new InvalidOperationException("A program that no shell starts is a new process.");
            return (_process.StandardInput, _process.StandardOutput);
        }
        catch (Win32Exception exception)
        {
            throw new RunException(ExitCode.Config, $"{file} does not start: {exception.Message}", exception);
        }
    }
}
