using System.CommandLine;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt;

/// <summary>The options that every verb takes, and the frame that every verb runs in.</summary>
internal sealed class CommonOptions
{
    private readonly Option<bool> _json = Flag("--json", "Writes the result as one JSON document.");
    private readonly Option<bool> _quiet = Flag("--quiet", "Writes nothing but results and errors.", "-q");
    private readonly Option<bool> _verbose =
        Flag("--verbose", "Writes more, and where an internal error came from.", "-v");
    private readonly Option<bool> _noProgress = Flag("--no-progress", "Writes no progress line.");

    public IReadOnlyList<Option> All => [_json, _quiet, _verbose, _noProgress];

    /// <summary>What verbs that can be resumed write through; a test puts one in that kills.</summary>
    public FileSystem Files { get; init; } = FileSystem.Real;

    /// <summary>Begins to hear requests to stop, also by files in a folder.</summary>
    public Func<string?, StopSignal> Listen { get; init; } = folder => new StopSignal(folder);

    /// <summary>Runs a verb and turns what it throws into a line on stderr and an exit code.</summary>
    /// <param name="verb">Returns the exit code.</param>
    public int Run(ParseResult parse, Func<Terminal, ExitCode> verb)
    {
        InvocationConfiguration streams = parse.InvocationConfiguration;
        using var terminal = new Terminal(streams.Output, streams.Error)
        {
            IsJson = parse.GetValue(_json),
            IsQuiet = parse.GetValue(_quiet),
            IsVerbose = parse.GetValue(_verbose),
            ShowsProgress = !parse.GetValue(_noProgress) && !parse.GetValue(_quiet),
        };
        try
        {
            return (int)verb(terminal);
        }
        catch (RunException e)
        {
            return Fail(e.Code, e.Message, e);
        }
        catch (DeviceException e)
        {
            return Fail(ExitCode.Resources, e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(ExitCode.Resources, e.Message, e);
        }
        catch (OutOfMemoryException e)
        {
            return Fail(ExitCode.Resources, "out of memory: " + e.Message, e);
        }
        catch (Exception e)
        {
            return Fail(ExitCode.Bug, $"internal error: {e.GetType().Name}: {e.Message} "
                + "Run again with --verbose to see where it came from, and report it.", e);
        }

        int Fail(ExitCode code, string message, Exception e)
        {
            terminal.Error(message);
            if (terminal.IsVerbose)
                terminal.Error(e.ToString());
            return (int)code;
        }
    }

    /// <inheritdoc cref="Run(ParseResult, Func{Terminal, ExitCode})"/>
    public int Run(ParseResult parse, Action<Terminal> verb) => Run(parse, terminal =>
    {
        verb(terminal);
        return ExitCode.Done;
    });

    private static Option<bool> Flag(string name, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, Recursive = true };
}
