using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Runs of a second on real text: a six-layer Gemma of 16 columns over two languages.</summary>
internal sealed class TinyRun : IDisposable
{
    private const int Documents = 40;

    private readonly TestFolder? _owned;

    public TinyRun()
    {
        _owned = new TestFolder();
        Folder = _owned.Path;
        foreach (string language in new[] { "en", "hr" })
            File.WriteAllLines(Text(language), SampleText.FirstLines(language, Documents));
        TrainedTokenizer trained = BpeTrainer.Train(
            File.ReadAllLines(Text("en")).Select(
                line => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(line)),
            new BpeTrainerOptions { VocabularySize = 300 });
        Directory.CreateDirectory(Path("tokenizer"));
        File.WriteAllBytes(Path("tokenizer/tokenizer.json"), trained.TokenizerJson);
        File.WriteAllBytes(Path("tokenizer/tokenizer_config.json"), trained.TokenizerConfig);
    }

    private TinyRun(string folder) => Folder = folder;

    public string Folder { get; }

    public static ModelSource Recipe { get; } = new()
    {
        Architecture = "gemma3",
        HiddenSize = 16,
        NumHiddenLayers = 6,
        NumAttentionHeads = 2,
        NumKeyValueHeads = 1,
        HeadDim = 8,
        IntermediateSize = 24,
        SlidingWindow = 8,
        SlidingWindowPattern = 6,
        RopeTheta = 1e6,
        RopeLocalBaseFreq = 1e4,
        RmsNormEps = 1e-6,
        TieWordEmbeddings = true,
        MaxPositionEmbeddings = 64,
        InitializerRange = 0.1,
    };

    public string Path(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>The runs of another process.</summary>
    public static TinyRun Open(string folder) => new(folder);

    /// <summary>A run from scratch in a folder of its own, of 8 steps.</summary>
    public RunConfig Config(string name) => new()
    {
        OutputDir = Path(name),
        Seed = 3,
        Device = "cpu",
        Threads = 2,
        Model = Recipe,
        Tokenizer = Path("tokenizer"),
        Data = new DataConfig
        {
            MaxSeqLength = 32,
            ValidationShare = 0.1,
            Languages = [Language("en"), Language("hr")],
        },
        Training = new TrainingConfig
        {
            MaxSteps = 8, BatchSize = 4, LearningRate = 1e-2, WarmupSteps = 2, EvalSteps = 4, EvalDocuments = 2,
            SaveSteps = 3, SaveTotalLimit = 2, LogSteps = 1,
        },
    };

    /// <summary>A run that starts from the result of another one.</summary>
    public RunConfig From(string origin, string name) => Config(name) with
    {
        Model = new ModelSource { Path = Final(origin) },
    };

    public string Final(string name) => System.IO.Path.Combine(Path(name), TrainingRun.FinalFolderName);

    /// <summary>Runs to the end.</summary>
    public void Train(
        RunConfig config, FileSystem? files = null, TextWriter? console = null, StopSignal? stop = null,
        bool profile = false, StepFaults? faults = null, TimeProvider? time = null)
    {
        using StopSignal quiet = new(folder: null, _ => { });
        TrainingRun.Execute(config, Options(
            stop ?? quiet, files ?? FileSystem.Real, console ?? TextWriter.Null, faults, time) with
        {
            Profile = profile,
        });
    }

    /// <summary>What the runs here need beside their configuration.</summary>
    public TrainingOptions Options(
        StopSignal stop, FileSystem files, TextWriter console, StepFaults? faults = null, TimeProvider? time = null) =>
        new(Path("shards"), stop, files, console, Quiet: false)
        {
            Faults = faults ?? StepFaults.None, Time = time ?? TimeProvider.System,
        };

    /// <summary>Bytes of the finished model's weights.</summary>
    public byte[] Weights(string name) => File.ReadAllBytes(System.IO.Path.Combine(Final(name), "model.safetensors"));

    /// <summary>Values of a parameter of a finished model.</summary>
    public double[] Values(string name, string parameter)
    {
        using Backend backend = Backends.Open("reference");
        using var model = (CausalModel)ModelLoader.Load(Final(name), backend, DType.F32, 32, _ => { });
        return TestTensors.Read(backend, model.Parameters[parameter].Value);
    }

    /// <summary>Loss of every step, of the last attempt at each.</summary>
    public IReadOnlyDictionary<long, double> Losses(string name) => Metric(name, "loss");

    /// <summary>One number of every step, of the last attempt at each.</summary>
    public IReadOnlyDictionary<long, double> Metric(string name, string key, string kind = "step")
    {
        var values = new Dictionary<long, double>();
        foreach (string line in File.ReadAllLines(System.IO.Path.Combine(Path(name), "metrics.jsonl")))
        {
            using var json = System.Text.Json.JsonDocument.Parse(line);
            System.Text.Json.JsonElement entry = json.RootElement;
            if (entry.GetProperty("event").GetString() == kind)
                values[entry.GetProperty("step").GetInt64()] = entry.GetProperty(key).GetDouble();
        }

        return values;
    }

    /// <param name="stopAtPoll">Which look for a stop finds one, from 1.</param>
    /// <returns>False if the run was stopped.</returns>
    public bool TryTrain(RunConfig config, int stopAtPoll)
    {
        StopSignal? stop = null;
        int polls = 0;
        using StopSignal counting = stop = new StopSignal(null, _ => { })
        {
            OnPoll = () =>
            {
                if (++polls == stopAtPoll)
                    stop!.RequestStop("the test"); // not null: it polls after it is made
            },
        };
        try
        {
            Train(config, stop: counting);
            return true;
        }
        catch (RunException e) when (e.Code is ExitCode.Resumable or ExitCode.Terminated)
        {
            return false;
        }
    }

    public void Dispose() => _owned?.Dispose();

    private LanguageConfig Language(string name) => new() { Name = name, Files = [Text(name)] };

    private string Text(string language) => Path($"{language}.jsonl");
}
