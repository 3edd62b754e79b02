using System.Text.RegularExpressions;
using FastCpt.Engine;

namespace FastCpt.Tests.House;

/// <summary>Dependencies point down only, as CONTRIBUTING.md orders the layers.</summary>
public sealed partial class LayerTests
{
    /// <summary>The engine's layers from top to bottom; folders of one layer may know each other.</summary>
    private static readonly string[][] Layers =
    [
        ["Studies", "Benchmarks"],
        ["Reports"],
        ["Training"],
        ["Evaluation", "Alignment", "Decoding"],
        ["Adapters", "Models"],
        ["Tape"],
        ["Parameters"],
        ["Data"],
        ["Tokenizers", "Checkpoints", "Config"],
        ["Files"],
    ];

    /// <summary>What the order alone would allow: the bottom readers do not know each other, reports do not
    /// train.</summary>
    private static readonly (string From, string To)[] Strangers =
    [
        ("Tokenizers", "Checkpoints"), ("Tokenizers", "Config"), ("Checkpoints", "Tokenizers"),
        ("Checkpoints", "Config"), ("Config", "Tokenizers"), ("Config", "Checkpoints"), ("Reports", "Training"),
    ];

    [Test]
    public void Engine_FoldersAllHaveALayer()
    {
        string[] folders = [.. Repository.Files("src/Engine", ".cs").Select(LayerOfFile).Distinct()];
        Assert.That(folders, Is.SubsetOf(Layers.SelectMany(layer => layer)), "CONTRIBUTING.md lists the layers.");
    }

    [Test]
    public void Engine_NamespacesAreFolders()
    {
        foreach (string file in Repository.Files("src", ".cs"))
        {
            string folder = Path.GetDirectoryName(file)!.Replace('\\', '/')["src/".Length..]; // a file under src
            string expected = folder == "FastCpt" ? "FastCpt" : "FastCpt." + folder.Replace('/', '.');
            Match declared = Namespace().Match(Repository.Text(file));
            if (declared.Success)
                Assert.That(declared.Groups[1].Value, Is.EqualTo(expected), file);
        }
    }

    [Test]
    public void Engine_UsingsPointDown()
    {
        foreach (string file in Repository.Files("src/Engine", ".cs"))
            foreach (Match used in Using().Matches(Repository.Text(file)))
                Assert.That(MayUse(LayerOfFile(file), used.Groups[1].Value), Is.True, $"{file}: {used.Value}");
    }

    [Test]
    public void Engine_CodePointsDown()
    {
        foreach (Type type in typeof(Tape).Assembly.GetTypes().Where(type => LayerOf(type) is not null))
            foreach (Type used in TypeReferences.Of(type))
                if (used.Assembly == type.Assembly && LayerOf(used) is { } below)
                    Assert.That(MayUse(LayerOf(type)!, below), Is.True, $"{type} uses {used}");
    }

    [Test]
    public void Engine_LayersHoldWhatTheRulesRefuse()
    {
        // The rules themselves: a test that could not fail would hold nothing.
        Assert.That(MayUse("Training", "Models"), Is.True);
        Assert.That(MayUse("Models", "Training"), Is.False);
        Assert.That(MayUse("Parameters", "Tape"), Is.False);
        Assert.That(MayUse("Config", "Checkpoints"), Is.False);
        Assert.That(MayUse("Reports", "Training"), Is.False);
        Assert.That(TypeReferences.Of(typeof(Tape)).Select(LayerOf), Does.Contain("Parameters"));
    }

    [TestCase("src/Kernels/FastCpt.Kernels.csproj")]
    [TestCase("src/Engine/FastCpt.Engine.csproj", "Kernels")]
    [TestCase("src/FastCpt/FastCpt.csproj", "Engine", "Kernels")]
    public void Projects_ReferenceOnlyThoseBelow(string project, params string[] allowed)
    {
        foreach (Match reference in ProjectReference().Matches(Repository.Text(project)))
            Assert.That(allowed, Does.Contain(reference.Groups[1].Value), project);
    }

    private static bool MayUse(string from, string to)
    {
        int above = Array.FindIndex(Layers, layer => layer.Contains(from));
        int below = Array.FindIndex(Layers, layer => layer.Contains(to));
        return above <= below && !Strangers.Contains((from, to));
    }

    /// <summary>The folder below src/Engine; files beside the folders are the tape's.</summary>
    private static string LayerOfFile(string file) => file.Split('/') is [_, _, var folder, _, ..] ? folder : "Tape";

    /// <summary>The layer that a type's namespace names; null for what the compiler adds.</summary>
    private static string? LayerOf(Type type) => type.Namespace?.Split('.') switch
    {
        ["FastCpt", "Engine"] => "Tape",
        ["FastCpt", "Engine", var folder, ..] => folder,
        _ => null,
    };

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^(?:global )?using (?:static |\w+ = )?FastCpt\.Engine\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*FastCpt\.(?:\w+\.)?(\w+)\.csproj""")]
    private static partial Regex ProjectReference();
}
