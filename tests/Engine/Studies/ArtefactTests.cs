using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>What making an artefact does to what is in the way.</summary>
internal sealed class ArtefactTests
{
    private readonly TestFolder _study = new();

    [OneTimeTearDown]
    public void TearDown() => _study.Dispose();

    [Test]
    public void Artefact_LeavesAFolderAlone_ThatItDidNotMake()
    {
        string theirs = Path.Combine(Directory.CreateDirectory(_study.At("theirs")).FullName, "thesis.txt");
        File.WriteAllText(theirs, "years of work");
        RunException? refused = Assert.Throws<RunException>(() => Make(new Text(_study.Path, "theirs", "a")));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("thesis.txt").And.Contain(_study.At("theirs")));
        Assert.That(File.ReadAllText(theirs), Is.EqualTo("years of work"));
        Assert.That(Directory.GetFileSystemEntries(_study.At("theirs")), Has.Length.EqualTo(1));
    }

    [Test]
    public void Artefact_TakesAFolder_ThatIsEmpty()
    {
        Directory.CreateDirectory(_study.At("empty"));
        Make(new Text(_study.Path, "empty", "a"));
        Assert.That(Content("empty"), Is.EqualTo("a"));
    }

    [Test]
    public void Artefact_WhoseRecipeChanged_TakesThePlaceOfTheOld()
    {
        Make(new Text(_study.Path, "changed", "a"));
        File.WriteAllText(_study.At("changed/more.txt"), "made with it");
        Make(new Text(_study.Path, "changed", "b"));
        Assert.That(Content("changed"), Is.EqualTo("b"));
        Assert.That(File.Exists(_study.At("changed/more.txt")), Is.False);
    }

    [Test]
    public void Artefact_WhoseOldFolderWasHalfDeleted_IsMadeAtTheNextStart()
    {
        Make(new Text(_study.Path, "half", "a"));
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                if (step == FileStep.Delete && !path.EndsWith(".artefact.json", StringComparison.Ordinal))
                    throw new IOException($"{path}: injected.");
            },
        };
        Assert.Throws<RunException>(() => Make(new Text(_study.Path, "half", "b"), files));
        Make(new Text(_study.Path, "half", "b"));
        Assert.That(Content("half"), Is.EqualTo("b"));
        Assert.That(
            Directory.EnumerateFileSystemEntries(_study.Path, ".trash-*", SearchOption.AllDirectories), Is.Empty);
    }

    /// <summary>Days of training outlive a rebuild of the tool: its version counts, not its binary.</summary>
    [Test]
    public void Key_IsOfVersionRecipeAndInputs_AndNothingElse()
    {
        string whole = $$"""{"tool":"{{ToolVersion.Text}}","format":1,"kind":"Text","recipe":{"content":"a"},"""
            + "\"inputs\":[]}";
        Assert.That(
            new Text(_study.Path, "key", "a").Key,
            Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)))));
    }

    private void Make(Artefact artefact, FileSystem? files = null)
    {
        using var stop = new StopSignal(folder: null, _ => { });
        artefact.Make(new StudyRun(new StudyConfig(), stop, files ?? FileSystem.Real, TextWriter.Null, quiet: true));
    }

    private string Content(string name) => File.ReadAllText(_study.At($"{name}/content.txt"));

    /// <summary>A file with a text.</summary>
    private sealed class Text(string folder, string name, string content) : Artefact(name, folder)
    {
        protected override JsonObject Recipe() => new() { ["content"] = content };

        protected override void MakeContent(StudyRun run) =>
            AtomicFile.Write(Path.Combine(Folder, "content.txt"), Encoding.UTF8.GetBytes(content), run.Files);
    }
}
