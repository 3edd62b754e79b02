using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Training that is cut short goes on where it stood, and ends with the bytes of a whole run.</summary>
[Category("slow")]
public sealed class SlotResumeTests
{
    private const string Task = "learn-and-die", Adapters = "seed-1/rank-4/non_shared";

    /// <summary>Four learners of two ranks in a pass, some on another's adapter, and one of all locales.</summary>
    private static readonly string[] Together =
    [
        "strategies=[non_shared, shared, multi]", "lora.ranks=[4, 3]", "training.patience=1", "parallel_adapters=4",
        "training.save_steps=5",
    ];

    private TinyAdapterStudy _study = null!;

    [SetUp]
    public void CreateStudy()
    {
        _study = new TinyAdapterStudy();
        TinyAdapterStudy.Run(_study.Config($"output_dir={_study.At("first")}"), only: ["base"]);
        _study.StartFrom("first");
    }

    [TearDown]
    public void RemoveStudy() => _study.Dispose();

    [TestCase($"{Adapters}/de-DE", 12, "strategies=[non_shared]")]
    [TestCase("seed-1/rank-4/shared/given/02-de-DE", 12, "strategies=[shared]", "precision=bf16")]
    [TestCase("seed-1/vanilla/given/02-de-DE", 12, "strategies=[vanilla]", "precision=bf16")]
    [TestCase("seed-1/vanilla/given/02-de-DE", 12, "strategies=[vanilla]", "precision=pure_bf16")]
    [TestCase("seed-1/multi", 36, "strategies=[multi]")]
    [TestCase($"{Adapters}/de-DE", 12, "strategies=[non_shared]", "adapter=prefix")]
    [TestCase($"{Adapters}/de-DE", 12, "strategies=[non_shared, shared]", "lora.ranks=[4, 3]", "parallel_adapters=4")]
    [TestCase("seed-1/rank-4/fusion/de-DE", 12, "strategies=[fusion]", "adapter=bottleneck")]
    [TestCase("seed-1/rank-4/fusion/de-DE", 12, "strategies=[fusion]", "adapter=bottleneck", "precision=bf16")]
    public void Fault_P1_StoppedInAnEpoch_GoesOnWithTheSameBytes(string state, int steps, params string[] more)
    {
        string[] settings = [.. more, "training.patience=0", "training.save_steps=0"];
        _study.Run("whole", settings);
        Assert.That(
            () => TinyAdapterStudy.Run(_study.Config(settings), stopAfter: $"{state}  epoch 2"),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
        var said = new List<string>();
        TinyAdapterStudy.Run(_study.Config(settings), said: said);
        Assert.That(said, Has.One.EqualTo($"{state}: goes on after step {steps}"));
        Assert.That(said, Has.None.StartsWith($"{state}  epoch 1").And.One.StartsWith($"{state}  epoch 3"));
        AssertWhole("out");
    }

    [Test]
    public void Fault_FolderOfCheckpointsThatCannotBeMade_IsSaid()
    {
        const int NoPermission = 13;
        using StopSignal stop = new(folder: null, _ => { });
        FileSystem files = FaultyFileSystem.Fail(FileStep.CreateFolder, "checkpoints", NoPermission);
        Assert.That(
            () => TinyAdapterStudy.Run(_study.Config("strategies=[non_shared]"), stop, files, only: null, _ => { }),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Config)
                .And.Message.Contains("checkpoints: cannot hold checkpoints"));
    }

    /// <summary>At any poll: between steps, while dev or test sentences are scored, between artefacts.</summary>
    [Test]
    public void Fault_P1_StoppedAgainAndAgain_EndsWithTheSameBytes()
    {
        _study.Run("whole", Together);
        (int stops, bool isWhole) = (0, false);
        while (!isWhole)
        {
            try
            {
                RunToPoll(_study.Config([.. Together, "training.save_steps=0"]), 31 + 2 * stops);
                isWhole = true;
            }
            catch (RunException stopped) when (stopped.Code == ExitCode.Resumable)
            {
                Assert.That(++stops, Is.LessThan(100), "it comes no further");
            }
        }

        Assert.That(stops, Is.GreaterThan(4));
        AssertWhole("out");
    }

    /// <summary>Learners go on alone, or with others that are at another step or fresh.</summary>
    /// <param name="cuts">Which learners are trained first, and the epoch of the last of them that they stop after.
    /// </param>
    [TestCase(4, 1, "en-US+de-DE+th-TH 2")]
    [TestCase(1, 4, "en-US 2", "de-DE 1")]
    [TestCase(2, 3, "en-US+de-DE 1", "th-TH 2")]
    public void Learner_GoesOn_InAnyCompany(int before, int after, params string[] cuts)
    {
        string[] settings =
            ["strategies=[non_shared, shared]", "training.patience=0", "training.save_steps=4"];
        _study.Run("whole", settings);
        var places = new List<string>();
        foreach (string cut in cuts)
        {
            string[] learners = [.. cut[..^2].Split('+').Select(locale => $"{Adapters}/{locale}")];
            int epoch = cut[^1] - '0';
            Assert.That(
                () => TinyAdapterStudy.Run(
                    _study.Config([.. settings, $"parallel_adapters={before}"]), learners,
                    stopAfter: $"{learners[^1]}  epoch {epoch}"),
                Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
            places.AddRange(learners.Select(learner => $"{learner}: goes on after step {6 * epoch}"));
        }

        var said = new List<string>();
        TinyAdapterStudy.Run(_study.Config([.. settings, $"parallel_adapters={after}"]), said: said);
        Assert.That(said.Where(line => line.Contains("goes on after step")), Is.EquivalentTo(places));
        string pass = string.Join(", ", TinyAdapterStudy.Locales.Select(locale => $"{Adapters}/{locale}"));
        Assert.That(said, Has.Exactly(after == 1 ? 0 : 1).EndsWith($"] {pass}"), "all in one pass, or each alone");
        AssertWhole("out");
    }

    /// <summary>Before a checkpoint has its name, while an older one goes, when weights are there but not the stamp
    /// that makes them complete, while checkpoints go, before scores are beside the weights, and before they have a
    /// file of their own.</summary>
    [Test]
    public void Fault_K1_Killed_GoesOnWithTheSameBytes()
    {
        var counting = new FaultyFileSystem();
        Run(Config("whole"), counting);
        int named = Find(0, FileStep.Rename, "step-00000005");
        int weights = Find(named, FileStep.Rename, "adapter"), stamp = Find(weights, FileStep.Rename, ".artefact.json");
        int[] instants =
        [
            named, Find(named, FileStep.Delete, "learner.safetensors"), stamp,
            Find(stamp, FileStep.Delete, "learner.safetensors"), Find(stamp, FileStep.Rename, "cpt_state.json"),
            Find(stamp, FileStep.Rename, "scores.json"),
        ];
        foreach (int n in instants)
        {
            string folder = $"killed-{n}";
            (int code, string output) = ChildProcess.RunToEnd(Task, _study.Folder, folder, $"{n}");
            Assert.That(code, Is.EqualTo(137), $"before {n} ({counting.Steps[n - 1]}): {output}");
            var said = new List<string>();
            TinyAdapterStudy.Run(Config(folder), said: said);
            if (n == stamp)
                Assert.That(said, Has.Some.Contains("goes on after step"), "what was learned is not lost");
            AssertWhole(folder);
        }

        AdapterStudyConfig Config(string folder) => _study.Config([.. Together, $"output_dir={_study.At(folder)}"]);

        int Find(int after, FileStep step, string name) =>
            counting.Steps.FindIndex(after, found => found == (step, name)) + 1 is > 0 and var n ? n
                : throw new AssertionException($"There is no {step} of {name}.");
    }

    /// <summary>What the child process does.</summary>
    internal static int LearnAndDie(string folder, string output, int n)
    {
        using TinyAdapterStudy study = TinyAdapterStudy.Open(folder);
        Run(study.Config([.. Together, $"output_dir={study.At(output)}"]), FaultyFileSystem.KillBefore(n));
        return 0;
    }

    [Test]
    public void Fault_K6_DamagedCheckpoint_IsRefused()
    {
        string[] settings = ["strategies=[multi]"];
        _study.Run("whole", settings);
        string checkpoint = Stop("out", "step-00000018", settings);
        string file = Path.Combine(checkpoint, "learner.safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^7] ^= 4;
        File.WriteAllBytes(file, bytes);
        Assert.That(
            () => TinyAdapterStudy.Run(_study.Config(settings)),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.ModelFile)
                .And.Message.Contains("none of 1 checkpoints").And.Message.Contains("Move them away"));
        Directory.Delete(checkpoint, recursive: true);
        TinyAdapterStudy.Run(_study.Config(settings));
        AssertWhole("out");
    }

    [Test]
    public void CheckpointOfOtherSettings_IsNotUsed()
    {
        string[] settings = ["strategies=[multi]"], other = [.. settings, "training.learning_rate=1e-3"];
        string checkpoint = Stop("out", "step-00000018", settings);
        _study.Run("whole", other);
        string foreign = Stop("foreign", "step-00000018", other);
        Directory.Delete(foreign, recursive: true);
        Directory.Move(checkpoint, foreign);
        Assert.That(
            () => _study.Run("foreign", other),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Config)
                .And.Message.Contains("other settings"));
        Directory.Move(foreign, checkpoint);
        var said = new List<string>();
        TinyAdapterStudy.Run(_study.Config(other), said: said);
        Assert.That(said, Has.None.Contains("goes on after"), "the study discards what it made by other settings");
        AssertWhole("out");
    }

    [Test]
    public void SaveSteps_DecideNoBit_AndRemakeNothing()
    {
        _study.Run("whole", "training.save_steps=0");
        var files = new FaultyFileSystem();
        Run(_study.Config("training.save_steps=3"), files);
        Assert.That(files.Steps, Has.Some.EqualTo((FileStep.Rename, "step-00000003")));
        AssertWhole("out");
        var said = new List<string>();
        TinyAdapterStudy.Run(_study.Config("training.save_steps=4"), said: said);
        Assert.That(said, Has.None.StartsWith("made "));
        AssertWhole("out");
    }

    [Test]
    public void SaveThatFails_IsSaid_AndEndsNothing()
    {
        string[] settings = ["strategies=[non_shared]", "training.save_steps=5"];
        _study.Run("whole", settings);
        var said = new List<string>();
        Run(_study.Config(settings), FaultyFileSystem.Fail(FileStep.Sync, "step-00000005", 28), said.Add);
        Assert.That(said, Has.Exactly(3).Contains("step-00000005").And.Exactly(3).EndsWith("goes on."));
        AssertWhole("out");
    }

    /// <summary>As a kill between the stamp and the deletion leaves it.</summary>
    [Test]
    public void CheckpointsOfACompleteState_AreDeleted()
    {
        string left = LeaveCheckpoints();
        _study.Run("out");
        Assert.That(Directory.Exists(left), Is.False);
    }

    /// <summary>Another process of the study deletes them at the same time, or nobody can.</summary>
    [Test]
    public void CheckpointsOfACompleteState_ThatCannotBeDeleted_EndNothing([Values] bool isAnotherFaster)
    {
        string left = LeaveCheckpoints();
        var files = new FaultyFileSystem
        {
            Fault = (_, _, path) =>
            {
                if (!path.Contains("checkpoints", StringComparison.Ordinal))
                    return;
                if (!isAnotherFaster)
                    throw new IOException("injected");
                if (Directory.Exists(left))
                    Directory.Delete(left, recursive: true);
            },
        };
        var said = new List<string>();
        Run(_study.Config(), files, said.Add);
        Assert.That(
            said, Has.Exactly(isAnotherFaster ? 0 : 1).EndsWith("checkpoints: could not be deleted: injected"));
        Assert.That(said, Has.Exactly(isAnotherFaster ? 0 : 1).Contains("deleted"));
        Assert.That(Directory.Exists(left), Is.Not.EqualTo(isAnotherFaster));
    }

    /// <summary>Half a model is never taken for a whole one.</summary>
    [Test]
    public void ModelThatIsHalfDeleted_IsNoModel_AndGoesAtTheNextStart()
    {
        string[] settings = ["strategies=[vanilla]", "keep=none"];
        _study.Run("whole", settings);
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                string within = Path.GetDirectoryName(path) ?? "";
                if (step == FileStep.Delete && within.EndsWith("model", StringComparison.Ordinal))
                    throw new IOException("injected");
            },
        };
        var said = new List<string>();
        Run(_study.Config(settings), files, said.Add);
        Assert.That(said, Has.Exactly(3).EndsWith("model: could not be deleted: injected"));
        Assert.That(_study.Weights("out"), Is.Empty);
        TinyAdapterStudy.Run(_study.Config(settings));
        AssertWhole("out");
    }

    [Test]
    public void Adapter_IsNeverDroppedAsAModel()
    {
        _study.Run("out");
        AdapterStudyConfig config = _study.Config();
        using StopSignal stop = new(folder: null, _ => { });
        var graph = new AdapterStudyGraph(config, _ => throw new InvalidOperationException("Nothing is made."));
        LearnedState state = graph.Sequences[0].Scores[0].State;
        state.DropModel(new StudyRun(config, stop, FileSystem.Real, TextWriter.Null, quiet: true));
        Assert.That(state.WeightsFolder, Does.Exist.And.EndsWith("adapter"));
    }

    /// <returns>A folder that a complete state has no need of.</returns>
    private string LeaveCheckpoints()
    {
        _study.Run("out");
        string left = _study.At(Path.Combine("out", Path.Combine(Adapters.Split('/')), "de-DE", "checkpoints"));
        Directory.CreateDirectory(Path.Combine(left, "step-00000005"));
        File.WriteAllText(Path.Combine(left, "step-00000005", "learner.safetensors"), "");
        return left;
    }

    /// <summary>Stops the model of all locales after its first epoch.</summary>
    /// <returns>The checkpoint.</returns>
    private string Stop(string folder, string step, IReadOnlyList<string> settings)
    {
        AdapterStudyConfig config = _study.Config([.. settings, $"output_dir={_study.At(folder)}"]);
        Assert.That(
            () => TinyAdapterStudy.Run(config, stopAfter: "seed-1/multi  epoch 1"),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
        string path = _study.At($"{folder}/seed-1/multi/checkpoints/{step}");
        Assert.That(Directory.Exists(path));
        return path;
    }

    private static void Run(AdapterStudyConfig config, FileSystem files, Action<string>? said = null)
    {
        using StopSignal stop = new(folder: null, _ => { });
        TinyAdapterStudy.Run(config, stop, files, only: null, said ?? (_ => { }));
    }

    /// <summary>Runs a study until its stop signal is looked at for the n-th time.</summary>
    private static void RunToPoll(AdapterStudyConfig config, int n)
    {
        int polls = 0;
        StopSignal? itself = null;
        using StopSignal stop = new(folder: null, _ => { })
        {
            OnPoll = () =>
            {
                if (++polls == n)
                    itself?.RequestStop("the test");
            },
        };
        itself = stop;
        TinyAdapterStudy.Run(config, stop, FileSystem.Real, only: null, _ => { });
    }

    /// <summary>The study has come to the files of one that nothing cut short.</summary>
    private void AssertWhole(string folder)
    {
        SortedDictionary<string, string> expected = InterruptedStudy.BytesOf(_study.At("whole"));
        SortedDictionary<string, string> found = InterruptedStudy.BytesOf(_study.At(folder));
        Assert.That(found.Keys, Is.EqualTo(expected.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (name, bytes) in expected)
                Assert.That(found[name], Is.EqualTo(bytes), name);
        });
    }
}
