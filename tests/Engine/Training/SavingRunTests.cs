using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Whole runs whose saves fail, are written by another thread, or do not fit on the disk.</summary>
[Category("slow")]
internal sealed class SavingRunTests
{
    private const int NoSpace = 28;

    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        _runs.Train(Config("sync", async: false));
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    [Test]
    public void AsynchronousSaves_WriteTheSameBytes()
    {
        _runs.Train(Config("async", async: true));
        Assert.That(_runs.Weights("async"), Is.EqualTo(_runs.Weights("sync")));
        string[] folders = [.. Steps("sync")];
        Assert.That(Steps("async"), Is.EqualTo(folders));
        foreach (string folder in folders)
        {
            string[] names = [.. Directory.GetFiles(At("sync", folder)).Select(path => Path.GetFileName(path)!)];
            Assert.That(names, Has.Length.GreaterThan(3));
            foreach (string name in names.Where(name => name != "manifest.json"))
                Assert.That(
                    File.ReadAllBytes(Path.Combine(At("async", folder), name)),
                    Is.EqualTo(File.ReadAllBytes(Path.Combine(At("sync", folder), name))), $"{folder}/{name}");
            Assert.That(Checkpoint.Open(At("async", folder))!.WhyNot(full: true), Is.Null);
        }
    }

    [Test]
    public void AsynchronousSaves_ThatWereStopped_GoOnWithTheSameBytes([Values(3, 4)] int step)
    {
        string name = $"async-{step}";
        using var stop = new StopSignal(folder: null, _ => { });
        using var console = new LineWriter($"step {step} ", () => stop.RequestStop("the test"));
        RunException? stopped = Assert.Throws<RunException>(
            () => _runs.Train(Config(name, async: true), console: console, stop: stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
        Assert.That(Steps(name)[^1], Is.EqualTo($"step-{step:00000000}"));
        _runs.Train(Config(name, async: false));
        Assert.That(_runs.Weights(name), Is.EqualTo(_runs.Weights("sync")));
    }

    /// <summary>Step 2's save is held until step 3 is done; that of step 4 waits for it, and both are there.</summary>
    [Test]
    public void AsynchronousSave_LetsTrainingGoOn_AndTheNextSaveWaitsForIt()
    {
        using var stepDone = new ManualResetEventSlim();
        var order = new List<string>();
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                if (step != FileStep.Rename || !Path.GetFileName(path).StartsWith("step-", StringComparison.Ordinal))
                    return;
                Assert.That(stepDone.Wait(TimeSpan.FromMinutes(1)), Is.True);
                lock (order)
                    order.Add(Path.GetFileName(path));
            },
        };
        using var console = new LineWriter("step 3 ", () =>
        {
            lock (order)
                order.Add("step 3 is done");
            stepDone.Set();
        });
        _runs.Train(Config("held", async: true), files, console);
        Assert.That(order, Is.EqualTo((string[])
            ["step 3 is done", "step-00000002", "step-00000004", "step-00000006", "step-00000008"]));
        Assert.That(_runs.Weights("held"), Is.EqualTo(_runs.Weights("sync")));
    }

    [Test]
    public void Fault_K11_AsynchronousSaveFails_TheRunEndsWith6AndTheFirstError()
    {
        FaultyFileSystem files = FaultyFileSystem.Fail(FileStep.Write, "optim.safetensors", NoSpace);
        RunException? stopped = Assert.Throws<RunException>(
            () => _runs.Train(Config("async-fails", async: true), files));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(stopped.Message, Does.Contain("step-00000002: could not be saved").And.Contain("error 28"));
        Assert.That(_runs.Losses("async-fails").Keys.Max(), Is.LessThanOrEqualTo(4));
        _runs.Train(Config("async-fails", async: true));
        Assert.That(_runs.Weights("async-fails"), Is.EqualTo(_runs.Weights("sync")));
    }

    [Test]
    public void Fault_K2_SaveFails_TheRunEndsWith6([Values] bool async)
    {
        string name = $"fails-{async}";
        var files = FailSaves(step => step == 4);
        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(Config(name, async), files));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(Steps(name), Is.EqualTo(new[] { "step-00000002" }));
    }

    [Test]
    public void Fault_K2_MaxSaveErrors_ToleratesSomeInARow_WithAWarning([Values] bool async)
    {
        string name = $"tolerant-{async}";
        RunConfig config = Config(name, async, maxErrors: 1);
        using var console = new StringWriter();
        _runs.Train(config, FailSaves(step => step is 2 or 6), console);
        string[] parts = console.ToString().Split("Training goes on; failure 1 of at most 1 in a row");
        Assert.That(parts, Has.Length.EqualTo(3));
        Assert.That(Steps(name), Is.EqualTo(new[] { "step-00000004", "step-00000008" }));
        Assert.That(_runs.Weights(name), Is.EqualTo(_runs.Weights("sync")));

        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(
            Config($"{name}-twice", async, maxErrors: 1), FailSaves(step => step is 4 or 6)));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(Steps($"{name}-twice"), Is.EqualTo(new[] { "step-00000002" }));
    }

    /// <summary>A file that every save copies is gone at step 2, on whichever thread that is.</summary>
    [Test]
    public void Fault_K2_MaxSaveErrors_CoversGatheringTheFiles([Values] bool async)
    {
        string name = $"gathering-{async}", tokenizer = _runs.Path($"tokenizer-{async}/tokenizer.json");
        Directory.CreateDirectory(_runs.Path($"tokenizer-{async}"));
        foreach (string file in Directory.GetFiles(_runs.Path("tokenizer")))
            File.Copy(file, Path.Combine(_runs.Path($"tokenizer-{async}"), Path.GetFileName(file)));
        int lines = 0;
        using var console = new LineWriter("step ", () =>
        {
            lines++;
            if (lines is 1)
                File.Move(tokenizer, tokenizer + ".away");
            else if (lines is 3)
                File.Move(tokenizer + ".away", tokenizer);
        });
        _runs.Train(Config(name, async, maxErrors: 1) with { Tokenizer = tokenizer }, console: console);
        Assert.That(console.ToString().Split("Training goes on; failure 1 of at most 1"), Has.Length.EqualTo(2));
        Assert.That(Steps(name), Is.EqualTo(new[] { "step-00000006", "step-00000008" }));
    }

    /// <summary>Stopped in an evaluation, step 4 is saved without it; a resumed run adds what it finds.</summary>
    [Test]
    public void Fault_K2_MaxSaveErrors_CoversSayingMoreOfASavedStep()
    {
        RunConfig config = Config("restating", async: false, maxErrors: 1);
        using var stop = new StopSignal(folder: null, _ => { });
        using var stopping = new LineWriter("step 4 ", () => stop.RequestStop("the test"));
        Assert.Throws<RunException>(() => _runs.Train(config, console: stopping, stop: stop));
        using var console = new StringWriter();
        string manifest = Path.Combine("step-00000004", "manifest.json");
        _runs.Train(config, FaultyFileSystem.Fail(FileStep.Rename, manifest, NoSpace), console);
        Assert.That(console.ToString().Split("Training goes on; failure 1 of at most 1"), Has.Length.EqualTo(2));
        Assert.That(_runs.Weights("restating"), Is.EqualTo(_runs.Weights("sync")));
    }

    /// <summary>What a stop saves is all there is to go on from.</summary>
    [Test]
    public void Fault_K2_SaveOfAStopFails_IsNeverTolerated()
    {
        using var stop = new StopSignal(folder: null, _ => { });
        using var console = new LineWriter("step 3 ", () => stop.RequestStop("the test"));
        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(
            Config("stop-fails", async: true, maxErrors: 5), FailSaves(step => step == 3), console, stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resources));
    }

    [Test]
    public void Fault_K2_NoSpaceForACheckpoint_IsRefusedBeforeTheFirstStep()
    {
        var files = new FaultyFileSystem { FreeBytesTold = 1000 };
        RunException? refused = Assert.Throws<RunException>(() => _runs.Train(Config("full", async: false), files));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(refused.Message, Does.Contain("a checkpoint needs"));
        Assert.That(_runs.Losses("full"), Is.Empty);
    }

    [Test]
    public void Fault_K2_MetricsCannotBeWritten_TrainingGoesOn()
    {
        _runs.Train(Config("no-metrics", async: false) with { Threads = 1 }, new FaultyFileSystem
        {
            Fault = (_, _, _) => BlockMetrics(),
        });
        Assert.That(_runs.Weights("no-metrics"), Is.EqualTo(_runs.Weights("sync")));

        void BlockMetrics()
        {
            string path = _runs.Path("no-metrics/metrics.jsonl");
            if (!File.Exists(path) && !Directory.Exists(path) && Directory.Exists(_runs.Path("no-metrics")))
                Directory.CreateDirectory(path);
        }
    }

    /// <summary>A byte that changes on the medium between writing and reading back.</summary>
    [Test]
    public void Fault_K6_ByteChangesBeforeTheReadingBack_TheSaveFails()
    {
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                string saved = Path.Combine(path, "step-00000004", "model.safetensors");
                if (step == FileStep.SyncFolder && File.Exists(saved))
                    Flip(saved);
            },
        };
        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(Config("rot", async: false), files));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(stopped.Message, Does.Contain("was not saved: read back"));
        Assert.That(Steps("rot"), Is.EqualTo(new[] { "step-00000002" }));

        static void Flip(string path)
        {
            byte[] bytes = File.ReadAllBytes(path);
            bytes[^5] ^= 1;
            File.WriteAllBytes(path, bytes);
        }
    }

    private FaultyFileSystem FailSaves(Func<int, bool> fails) => new()
    {
        Fault = (_, step, path) =>
        {
            string name = Path.GetFileName(path);
            bool isSave = step == FileStep.Rename && name.StartsWith("step-", StringComparison.Ordinal);
            if (isSave && fails(int.Parse(name[5..])))
                throw new IOException($"{path}: injected.", NoSpace);
        },
    };

    private string[] Steps(string name) => [.. Directory.GetDirectories(_runs.Path($"{name}/checkpoints"), "step-*")
        .Select(path => Path.GetFileName(path)!).Order()];

    private string At(string name, string folder) => _runs.Path($"{name}/checkpoints/{folder}");

    private RunConfig Config(string name, bool async, int maxErrors = 0)
    {
        RunConfig config = _runs.Config(name);
        return config with
        {
            Training = config.Training with { SaveSteps = 2, SaveAsync = async, MaxSaveErrors = maxErrors },
        };
    }
}
