using System.Diagnostics;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class ToolPackageTests
{
    [Test]
    [Category("slow")]
    public void FastCpt_InstallsAsADotnetToolFromAFolder()
    {
        using var folder = new TestFolder();
        // bin/<configuration>/net10.0: what is tested is packed, whichever way it was built.
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string project = Path.Combine(TestData.RepositoryRoot, "src", "FastCpt");
        Run("dotnet", "pack", project, "-c", configuration, "--no-build", "-o", folder.At("packages"));
        Run("dotnet", "tool", "install", "fastcpt", "--version", ToolVersion.Text,
            "--tool-path", folder.At("tool"), "--source", folder.At("packages"));
        string tool = folder.At(OperatingSystem.IsWindows() ? "tool/fastcpt.exe" : "tool/fastcpt");
        Assert.That(Run(tool, "--version").Trim(), Is.EqualTo(ToolVersion.Text));
        Assert.That(Run(tool, "config", "init"), Does.Contain("output_dir: runs/example"));
    }

    private static string Run(string program, params string[] arguments)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(program == "dotnet" ? host : program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;      // null only for a file that the shell opens
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {output}{error.Result}");
        return output;
    }
}
