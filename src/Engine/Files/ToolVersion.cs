namespace FastCpt.Engine.Files;

/// <summary>Version of this build, as recorded in what it makes.</summary>
public static class ToolVersion
{
    public static string Text { get; } =
        typeof(ToolVersion).Assembly.GetName().Version!.ToString(3); // every assembly has one
}
