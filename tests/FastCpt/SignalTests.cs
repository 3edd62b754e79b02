using System.Diagnostics;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class SignalTests
{
    [TestCase("TERM", ExitCode.Terminated)]
    [TestCase("INT", ExitCode.Interrupted)]
    [Platform(Include = "Linux"), Category("slow")]
    public void Fault_P1_SignalWithNothingToSave_EndsWithItsOwnCode(string signal, ExitCode code)
    {
        Signals.Require(signal == "INT" ? 2 : 15);
        using var folder = new TestFolder();
        string text = Path.Combine(TestData.RepositoryRoot, "samples", "el.jsonl.gz");
        Call trained = Call.Of("tokenize", "train", text, "--vocabulary-size", "300", "--bytes-per-file", "20000",
            "-o", folder.At("tok"));
        Assert.That(trained.Code, Is.EqualTo(ExitCode.Done), trained.Error);
        // Hours of work, so that the signal always meets it.
        string[] files = [.. Enumerable.Repeat(text, 5_000)];
        using Process child = ChildProcess.Start(
            "fastcpt", ["tokenize", "encode", "--tokenizer", folder.At("tok"), "--count", .. files]);
        Assert.That(ChildProcess.ReadLine(child), Does.Contain("317 documents"));
        using (Process kill = Process.Start("kill", ["-" + signal, $"{child.Id}"]))
            kill.WaitForExit();
        Task<string> error = child.StandardError.ReadToEndAsync();
        child.StandardOutput.ReadToEnd();
        Assert.That(child.WaitForExit(60_000), Is.True);
        Assert.That(child.ExitCode, Is.EqualTo((int)code));
        Assert.That(error.Result, Does.Contain("tokenize encode: stopped by SIG" + signal));
    }
}
