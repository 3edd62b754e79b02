using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>A study of adapters that is killed again and again, and started again, ends with the same files.</summary>
[Category("slow")]
internal sealed class AdapterStudyKillTests
{
    private const string Task = "adapter-study-and-die";
    private const int Killed = 137;

    /// <summary>Four learners share a pass, some end before others, and MULTI is among the strategies.</summary>
    private static readonly string[] Settings =
    [
        "strategies=[multi, shared, non_shared]", "lora.ranks=[4, 3]", "training.patience=1", "parallel_adapters=4",
    ];

    /// <summary>Parts of the lines and paths before which the study dies, and the how many-th of them, in the order in
    /// which they come: while an encoder is pretrained, while states are trained and while they are written, between
    /// learners of one pass, and amid the results.</summary>
    private static readonly (string Part, int Number)[] Instants =
    [
        ("/base/", 9), ("/seed-1/multi/", 4), ("multi  epoch 2", 1), ("rank-4/non_shared/de-DE  epoch 2", 1),
        ("/rank-4/non_shared/de-DE/", 6), ("/rank-3/", 3), ("/rank-4/shared/given/03-th-TH/", 5), ("/matrices/", 2),
        ("report.html", 1),
    ];

    [Test, Platform(Include = "Linux")]
    public void Fact27_KilledAgainAndAgain_EndsWithTheFilesOfOneThatWasNot()
    {
        using var study = new TinyAdapterStudy();
        AdapterStudyConfig config = study.Config(Settings);
        TinyAdapterStudy.Run(config);
        SortedDictionary<string, string> whole = InterruptedStudy.BytesOf(study.Output);
        Assert.That(whole.Keys, Has.Some.EndsWith("report.html").And.Some.EndsWith("results.json"));
        Assert.That(whole.Keys.Count(name => name.StartsWith("matrices/", StringComparison.Ordinal)), Is.EqualTo(4));
        FileSystem.Real.DeleteFolder(study.Output);
        foreach (var (part, number) in Instants)
        {
            (int code, string output) = ChildProcess.RunToEnd(Task, study.Folder, part, $"{number}");
            Assert.That(code, Is.EqualTo(Killed), $"before {part} {number}: {output}");
        }

        TinyAdapterStudy.Run(config);
        SortedDictionary<string, string> found = InterruptedStudy.BytesOf(study.Output);
        Assert.That(found.Keys, Is.EqualTo(whole.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (name, bytes) in whole)
                Assert.That(found[name], Is.EqualTo(bytes), name);
        });
    }

    /// <summary>What the child does: runs the study until a line or a path has a part for the n-th time.</summary>
    internal static int StudyAndDie(string folder, string part, int number)
    {
        int seen = 0;
        using TinyAdapterStudy study = TinyAdapterStudy.Open(folder);
        using StopSignal stop = new(folder: null, _ => { });
        var files = new FaultyFileSystem { Fault = (_, _, path) => At(path.Replace('\\', '/')) };
        TinyAdapterStudy.Run(study.Config(Settings), stop, files, only: null, At);
        return 0;

        void At(string text)
        {
            if (text.Contains(part, StringComparison.Ordinal) && ++seen == number)
                ChildProcess.Die();
        }
    }
}
