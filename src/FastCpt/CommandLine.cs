using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using FastCpt.Engine.Files;

namespace FastCpt;

/// <summary>The command: its verbs, and what a call of it ends with.</summary>
internal static class CommandLine
{
    /// <summary>Runs one call to its end.</summary>
    /// <param name="options">Tests bring their own.</param>
    /// <returns>A value of <see cref="ExitCode"/>.</returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter error, CommonOptions? options = null)
    {
        ParseResult parse = Create(options ?? new CommonOptions()).Parse(arguments);
        bool isMistake = parse.Action is ParseErrorAction;
        int code = parse.Invoke(new InvocationConfiguration
        {
            // What is wrong with a call is not its result.
            Output = isMistake ? error : output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            // The verbs hear signals themselves; by default the process would end 2 seconds after one.
            ProcessTerminationTimeout = null,
        });
        return isMistake ? (int)ExitCode.Usage : code;
    }

    private static RootCommand Create(CommonOptions options)
    {
        var root = new RootCommand("Teaches a multilingual language model new languages without making it forget.");
        foreach (Option option in options.All)
            root.Add(option);
        root.Add(TrainCommand.Create(options));
        root.Add(EvalCommand.Create(options));
        root.Add(PlanCommand.Create(options));
        root.Add(StudyCommand.Create(options));
        root.Add(ReportCommand.Create(options));
        root.Add(ConfigCommand.Create(options));
        root.Add(EnvCommand.Create(options));
        root.Add(MergeCommand.Create(options));
        root.Add(TokenizeCommand.Create(options));
        root.Add(InspectCommand.Create(options));
        root.Add(BenchCommand.Create(options));
        foreach (Option option in root.Options)
            option.Action = option switch
            {
                HelpOption { Action: HelpAction help } => new HelpWithExamples(help),
                VersionOption => new WriteVersion(),
                _ => option.Action,
            };
        return root;
    }

    private sealed class WriteVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parse)
        {
            parse.InvocationConfiguration.Output.WriteLine(ToolVersion.Text);
            return (int)ExitCode.Done;
        }
    }

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parse)
        {
            int code = help.Invoke(parse);
            TextWriter output = parse.InvocationConfiguration.Output;
            if (parse.CommandResult.Command is Verb { Examples.Count: > 0 } verb)
            {
                output.WriteLine("Examples:");
                foreach (string example in verb.Examples)
                    output.WriteLine("  " + example);
                output.WriteLine();
            }
            return code;
        }
    }
}
