using System.Text.RegularExpressions;

namespace FastCpt.Tests.House;

/// <summary>What the README promises, and what the specification calls facts: each is held by a test.</summary>
public sealed partial class PromiseTests
{
    private static readonly int[] Facts =
        [.. Enumerable.Range(1, 7), 9, 10, .. Enumerable.Range(13, 20), 39, 40, 41, .. Enumerable.Range(43, 4)];

    private static readonly string[] TestsOfSharing =
    [
        "Adapters/", "Alignment/MergeLora", "Data/Massive/", "Evaluation/SlotF1Tests",
        "Evaluation/TransferMetricsTests", "Models/EncoderTests", "Models/PublishedEncoderTests", "Studies/Slots/",
        "Training/Slots/",
    ];

    [Test]
    public void Readme_NamesTheTestsOfEachPromise()
    {
        string readme = Repository.Text("README.md");
        HashSet<string> classes =
            [.. Repository.Files("tests", ".cs").Select(file => Path.GetFileNameWithoutExtension(file))];
        Match[] promises = [.. Promise().Matches(readme).Cast<Match>()];
        Assert.That(promises.Select(promise => promise.Groups["number"].Value),
            Is.EqualTo(Enumerable.Range(1, 11).Select(number => $"{number}")));
        foreach (Match promise in promises)
        {
            string[] named = [
                .. TestClass().Matches(promise.Value).Select(match => match.Groups["name"].Value),
            ];
            Assert.That(named, Is.Not.Empty.And.SubsetOf(classes), promise.Value);
        }
    }

    [Test]
    public void Facts_HaveATestEach()
    {
        string tests = string.Concat(Repository.Files("tests", ".cs").Select(Repository.Text));
        HashSet<int> tested = [.. FactTest().Matches(tests).Select(match => int.Parse(match.Groups["number"].Value))];
        Assert.That(Facts.Where(fact => !tested.Contains(fact)), Is.Empty);
    }

    /// <summary>The facts of lora-sharing.md, whose numbers are others' as well: by the files that hold them.</summary>
    [Test]
    public void FactsOfSharing_HaveATestEach()
    {
        string tests = string.Concat(Repository.Files("tests", ".cs")
            .Where(file => Array.Exists(
                TestsOfSharing, part => file.StartsWith($"tests/Engine/{part}", StringComparison.Ordinal)))
            .Select(Repository.Text));
        Assert.That(
            Enumerable.Range(1, 38).Except(FactTest().Matches(tests).Select(
                match => int.Parse(match.Groups["number"].Value))),
            Is.Empty);
    }

    /// <summary>Promise 11: no line of ours can reach a network, whatever the configuration says.</summary>
    [Test]
    public void Sources_ReachNoNetwork()
    {
        foreach (string file in Repository.Files("src", ".cs", ".csproj"))
            Assert.That(Repository.Text(file), Does.Not.Match(@"\bSystem\.Net\b|\bHttpClient\b|\bSocket\b"), file);
    }

    /// <summary>A promise is one item of the list, over as many lines as it takes.</summary>
    [GeneratedRegex(@"^- \*\*P(?<number>[0-9]+)\*\* (?:.+\n)(?:  .+\n)*", RegexOptions.Multiline)]
    private static partial Regex Promise();

    [GeneratedRegex("`(?<name>[A-Za-z0-9]+Tests)`")]
    private static partial Regex TestClass();

    [GeneratedRegex("void Fact(?<number>[0-9]{2})_")]
    private static partial Regex FactTest();
}
