namespace FastCpt.Tests.Engine.Training;

/// <summary>Keeps what a run says, and does something when a line appears.</summary>
internal sealed class LineWriter(string start, Action act) : StringWriter
{
    public override void WriteLine(string? value)
    {
        base.WriteLine(value);
        if (value?.StartsWith(start, StringComparison.Ordinal) == true)
            act();
    }
}
