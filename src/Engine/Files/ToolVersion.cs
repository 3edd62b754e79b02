using FastCpt.Kernels;

namespace FastCpt.Engine.Files;

/// <summary>Version of this build, as recorded in what it makes.</summary>
public static class ToolVersion
{
    public static string Text { get; } =
        typeof(ToolVersion).Assembly.GetName().Version!.ToString(3); // every assembly has one

    /// <summary>Differs between builds whose code differs: the compiler derives it from what it compiles.</summary>
    public static string Build { get; } =
        $"{typeof(ToolVersion).Module.ModuleVersionId:N}-{typeof(Backend).Module.ModuleVersionId:N}";
}
