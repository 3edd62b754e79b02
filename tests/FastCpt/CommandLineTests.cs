using System.CommandLine;
using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class CommandLineTests
{
    [TestCase("", "Required command")]
    [TestCase("tranmogrify", "Unrecognized command")]
    [TestCase("config shw", "show")]
    [TestCase("config show", "Required argument")]
    [TestCase("env --jason", "--json")]
    [TestCase("config schema poem", "'study'")]
    [TestCase("config show run.yaml --set", "--set")]
    [TestCase("bench compare a b --pairs 8", "9 to 1000")]
    public void CommandLine_MistakesOfUsage_EndWith2AndLeaveStdoutEmpty(string arguments, string reason)
    {
        Call call = Call.Of(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Multiple(() =>
        {
            Assert.That(call.Code, Is.EqualTo(ExitCode.Usage));
            Assert.That(call.Output, Is.Empty);
            Assert.That(call.Error, Does.Contain(reason));
        });
    }

    [Test]
    public void CommandLine_EveryVerb_HasHelpWithExamples()
    {
        string[][] verbs =
        [
            ["train"], ["eval"], ["plan"], ["study"], ["report"], ["config", "show"], ["config", "schema"],
            ["config", "init"], ["env"], ["inspect"], ["merge", "soup"],
            ["merge", "interpolate"], ["merge", "revert"], ["tokenize", "train"], ["tokenize", "encode"],
        ];
        foreach (string[] verb in verbs)
        {
            Call call = Call.Of([.. verb, "--help"]);
            Assert.That(call.Code, Is.EqualTo(ExitCode.Done));
            Assert.That(call.Output, Does.Contain("Examples:\n  fastcpt " + string.Join(' ', verb)));
        }
    }

    [Test]
    public void CommandLine_WhatTheSystemRefuses_EndsWith6()
    {
        var options = new CommonOptions();
        var root = new RootCommand();
        foreach (Option option in options.All)
            root.Add(option);
        Exception[] refusals = [new IOException("disk"), new UnauthorizedAccessException("key")];
        foreach (Exception refusal in refusals)
        {
            using var error = new StringWriter();
            root.SetAction(parse => options.Run(parse, (Action<Terminal>)(_ => throw refusal)));
            int code = root.Parse(Array.Empty<string>()).Invoke(
                new InvocationConfiguration { Output = TextWriter.Null, Error = error });
            Assert.That(code, Is.EqualTo((int)ExitCode.Resources));
            Assert.That(error.ToString().Trim(), Is.EqualTo(refusal.Message));
        }
    }

    [Test]
    public void CommandLine_Version_IsThatOfTheRecords()
    {
        Assert.That(Call.Of("--version").Output, Is.EqualTo(ToolVersion.Text + "\n"));
    }

    [Test]
    public void Env_WritesOneJsonDocument()
    {
        Call call = Call.Of("env", "--json");
        using JsonDocument facts = JsonDocument.Parse(call.Output);
        Assert.Multiple(() =>
        {
            Assert.That(call.Code, Is.EqualTo(ExitCode.Done));
            Assert.That(call.Error, Is.Empty);
            Assert.That(facts.RootElement.GetProperty("fastcpt").GetString(), Is.EqualTo(ToolVersion.Text));
            Assert.That(facts.RootElement.GetProperty("devices").GetProperty("reference").GetString(),
                Does.StartWith("usable"));
        });
    }

    [Test]
    public void ConfigShow_WritesWhatItReadsBack()
    {
        using var folder = new TestFolder();
        Call template = Call.Of("config", "init");
        File.WriteAllText(folder.At("run.yaml"), template.Output);
        Call shown = Call.Of("config", "show", folder.At("run.yaml"), "--set", "seed=7");
        File.WriteAllText(folder.At("shown.yaml"), shown.Output);
        Assert.Multiple(() =>
        {
            Assert.That(shown.Output, Does.Contain("seed: 7\n"));
            Assert.That(Call.Of("config", "show", folder.At("shown.yaml")).Output, Is.EqualTo(shown.Output));
            Assert.That(shown.Error, Is.Empty);
        });
    }

    [Test]
    public void ConfigShow_ShowsStudiesAndJson()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("study.yaml"), Call.Of("config", "init", "study").Output);
        Call call = Call.Of("config", "show", folder.At("study.yaml"), "--json");
        using JsonDocument study = JsonDocument.Parse(call.Output);
        Assert.That(study.RootElement.GetProperty("families").GetProperty("slavic").GetProperty("train")[0].GetString(),
            Is.EqualTo("hr"));
        using JsonDocument schema = JsonDocument.Parse(Call.Of("config", "schema", "study").Output);
        Assert.That(schema.RootElement.GetProperty("properties").TryGetProperty("families", out _), Is.True);
    }

    [Test]
    public void ConfigShow_RefusedConfiguration_EndsWith3WithoutAStackTrace()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("run.yaml"), "sed: 1\n");
        Call call = Call.Of("config", "show", folder.At("run.yaml"));
        Assert.That(call.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(call.Error, Does.Contain("Did you mean 'seed'?").And.Not.Contain(" at "));
        Assert.That(Call.Of("config", "show", folder.At("run.yaml"), "--verbose").Error, Does.Contain(" at FastCpt."));
    }

    [Test]
    public void CommandLine_ReadsArgumentsFromAFile()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("args.txt"), "config\nschema\nstudy\n");
        Assert.That(Call.Of("@" + folder.At("args.txt")).Code, Is.EqualTo(ExitCode.Done));
    }

    [Category("slow")]
    [TestCase("[", 20_000, "nested more than 32")]
    [TestCase("{a: ", 20_000, "nested more than 32")]
    [TestCase("a: &a [*a, *a]\n", 1, "anchor")]
    [TestCase("seed: no\n", 1, "expected a whole number")]
    [TestCase("seed: 012\n", 1, "leading zeros")]
    [TestCase("seed: 1_000\n", 1, "without grouping")]
    [TestCase("seed: !!int 5\n", 1, "tag")]
    [TestCase("training:\n\tmax_steps: 5\n", 1, "tab")]
    [TestCase("seed: 1\n", 2, "twice")]
    [TestCase("xxxxxxxxx\n", 220_000, "at most 1048576")]
    public void Fault_C1_HostileConfiguration_EndsTheProcessWith3(string piece, int count, string reason)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("run.yaml"), string.Concat(Enumerable.Repeat(piece, count)));
        var (code, output) = ChildProcess.RunToEnd("fastcpt", "config", "show", folder.At("run.yaml"));
        Assert.That(output, Does.Contain(folder.At("run.yaml")).And.Contain(reason));
        Assert.That(code, Is.EqualTo((int)ExitCode.Config));
    }
}
