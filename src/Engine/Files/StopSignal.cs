using System.Runtime.InteropServices;

namespace FastCpt.Engine.Files;

/// <summary>Polite requests from outside: stop, or save and go on. Every long loop polls it.</summary>
/// <remarks>
/// SIGINT, SIGTERM, SIGHUP and SIGQUIT ask to stop; a second SIGINT or SIGTERM ends the process at once with 130 or
/// 143. SIGUSR1 asks to save and go on. Where no signal can be sent, files named STOP and CHECKPOINT in the run's
/// folder ask the same; they are removed when seen. Windows has no SIGUSR1; the others are its console events.
/// </remarks>
public sealed class StopSignal : IDisposable
{
    public const string StopFileName = "STOP";
    public const string SaveFileName = "CHECKPOINT";

    private const int LookEveryMilliseconds = 200;

    private readonly string? _folder;
    private readonly Action<ExitCode> _exit;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly HashSet<string> _stuckFiles = [];
    private long _nextLook = Environment.TickCount64;
    private volatile string? _reason;
    private int _interruptCount;
    private int _terminateCount;
    private int _saveRequested;

    /// <param name="folder">Where the files STOP and CHECKPOINT are looked for; null to look nowhere.</param>
    public StopSignal(string? folder = null)
        : this(folder, code => Environment.Exit((int)code))
    {
        Register(PosixSignal.SIGINT, OnInterrupt);
        Register(PosixSignal.SIGTERM, OnTerminate);
        Register(PosixSignal.SIGHUP, () => RequestStop("SIGHUP"));
        Register(PosixSignal.SIGQUIT, () => RequestStop("SIGQUIT"));
        if (OperatingSystem.IsLinux())
            Register((PosixSignal)10, RequestSave);     // SIGUSR1
        else if (OperatingSystem.IsMacOS())
            Register((PosixSignal)30, RequestSave);
    }

    /// <summary>For tests: hears no signal, and hands the forced exit to the caller.</summary>
    internal StopSignal(string? folder, Action<ExitCode> exit) => (_folder, _exit) = (folder, exit);

    /// <summary>For tests: called at every poll, so that they can count them and act at the n-th.</summary>
    internal Action? OnPoll { get; init; }

    /// <summary>Who asked to stop, such as SIGTERM; null while nobody did.</summary>
    public string? Reason
    {
        get
        {
            OnPoll?.Invoke();
            LookForFiles();
            return _reason;
        }
    }

    /// <summary>Whether the loop that polls should save what it has and end.</summary>
    public bool IsStopRequested => Reason is not null;

    /// <summary>What the process ends with when there is nothing to save: 130 after Ctrl-C, else 143.</summary>
    public ExitCode UnsavedCode => _reason == "SIGINT" ? ExitCode.Interrupted : ExitCode.Terminated;

    /// <summary>True once for each request to save and go on.</summary>
    public bool TakeSaveRequest()
    {
        LookForFiles();
        return Interlocked.Exchange(ref _saveRequested, 0) != 0;
    }

    /// <summary>For work that leaves nothing to go on from: ends it when a stop is requested.</summary>
    /// <param name="work">What is cut short, such as "merge".</param>
    /// <exception cref="RunException">Exit code 130 or 143.</exception>
    public void ThrowIfStopRequested(string work)
    {
        if (Reason is { } reason)
            throw new RunException(UnsavedCode, $"{work}: stopped by {reason}. Nothing was written; run it again.");
    }

    /// <summary>Asks to stop from inside, for example at a time limit; the first reason stays.</summary>
    public void RequestStop(string reason) => _reason ??= reason;

    public void RequestSave() => Interlocked.Exchange(ref _saveRequested, 1);

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    internal void OnInterrupt()
    {
        RequestStop("SIGINT");
        if (Interlocked.Increment(ref _interruptCount) > 1)
            _exit(ExitCode.Interrupted);
    }

    internal void OnTerminate()
    {
        RequestStop("SIGTERM");
        if (Interlocked.Increment(ref _terminateCount) > 1)
            _exit(ExitCode.Terminated);
    }

    private void Register(PosixSignal signal, Action handle) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            handle();
        }));

    /// <summary>Looks a few times a second, however often the loop polls.</summary>
    private void LookForFiles()
    {
        if (_folder is null || Environment.TickCount64 < _nextLook)
            return;
        _nextLook = Environment.TickCount64 + LookEveryMilliseconds;
        if (Consume(StopFileName))
            RequestStop($"the file {StopFileName}");
        if (Consume(SaveFileName))
            RequestSave();
    }

    /// <returns>Whether the file is there; one that cannot be removed counts once until it is gone.</returns>
    private bool Consume(string name)
    {
        string path = Path.Combine(_folder!, name);     // not null: LookForFiles returns before
        if (!File.Exists(path))
        {
            _stuckFiles.Remove(name);
            return false;
        }
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return _stuckFiles.Add(name);
        }
    }
}
