using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Training;

/// <summary>A console that asks to stop when a line with a start appears.</summary>
internal sealed class StopAtLine(string start, StopSignal stop) : StringWriter
{
    public override void WriteLine(string? value)
    {
        if (value?.StartsWith(start, StringComparison.Ordinal) == true)
            stop.RequestStop("the test");
    }
}
