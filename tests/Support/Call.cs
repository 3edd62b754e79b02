using FastCpt.Engine.Files;

namespace FastCpt.Tests.Support;

/// <summary>One call of the command inside the test process, with what it wrote.</summary>
internal sealed record Call(ExitCode Code, string Output, string Error)
{
    public static Call Of(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int code = CommandLine.Run(arguments, output, error);
        return new Call((ExitCode)code, output.ToString(), error.ToString());
    }
}
