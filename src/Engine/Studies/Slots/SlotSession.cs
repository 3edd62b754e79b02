using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;
using FastCpt.Engine.Training.Slots;
using FastCpt.Kernels;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What a study's states are made with: device, sentences, the frozen encoder, loaded once.</summary>
internal sealed class SlotSession : IDisposable
{
    private readonly AdapterStudyConfig _config;
    private readonly StudyRun _run;
    private readonly DType _type;
    private readonly HashSet<string> _said = [];
    private IReadOnlyDictionary<string, string>? _encoderHashes;
    private XlmRoberta? _frozen;
    private FrozenWeights? _checksums;

    /// <param name="encoderFolder">Of the encoder that all strategies start from.</param>
    /// <exception cref="RunException">Exit 3, 4, 6: tokenizer, encoder or device do not fit or are not to be had.
    /// </exception>
    public SlotSession(AdapterStudyConfig config, string tokenizer, string encoderFolder, StudyRun run)
    {
        (_config, _run, EncoderFolder) = (config, run, encoderFolder);
        _type = Precisions.ActivationType(Precisions.Resolve(config.Precision));
        string path = Path.Combine(encoderFolder, ModelConfigReader.FileName);
        Encoder = ModelConfigReader.Read(path).Config as EncoderConfig ?? throw new RunException(
            ExitCode.ModelFile, $"{path}: is no encoder such as xlm-roberta, which labels of words need.");
        Tokenizer pieces = Tokenizer.Load(tokenizer);
        string map = Path.Combine(encoderFolder, TrimmedVocabulary.FileName);
        if (pieces is not TrimmedTokenizer && File.Exists(map))
            pieces = new TrimmedTokenizer(pieces, TrimmedVocabulary.Load(map, pieces));
        if (pieces.VocabularySize > Encoder.VocabularySize)
            throw new RunException(
                ExitCode.ModelFile,
                $"{encoderFolder}: the encoder knows {Encoder.VocabularySize} pieces, its tokenizer {tokenizer} has "
                + $"{pieces.VocabularySize}. They may come from different models.");
        int positions = Math.Min(config.Data.MaxLength, Encoder.LongestSegment);
        Pieces = pieces;
        Sentences = new SlotSentences(config.Data, pieces, positions, config.Threads);
        Positions = positions;
        Backend = Devices.Open(config.Device, config.Threads);
        Tape = new Tape(Backend);
    }

    public EncoderConfig Encoder { get; }

    /// <summary>The encoder's tokenizer, trimmed where the encoder is.</summary>
    public Tokenizer Pieces { get; }

    public string EncoderFolder { get; }

    /// <summary>SHA-256 of the encoder's weight files, by name.</summary>
    public IReadOnlyDictionary<string, string> EncoderHashes =>
        _encoderHashes ??= AdapterState.HashesOf(EncoderFolder);

    public SlotSentences Sentences { get; }

    public Backend Backend { get; }

    public Tape Tape { get; }

    /// <summary>What computes, such as "cpu avx2".</summary>
    public string Device => $"{Backend.Name} {Backend.InstructionSet}";

    private int Positions { get; }

    /// <summary>The encoder that adapters share; nothing changes its weights.</summary>
    public XlmRoberta Frozen
    {
        get
        {
            if (_frozen is null)
            {
                _frozen = Load(EncoderFolder);
                _frozen.Parameters.Train(_ => false);
                _checksums = new FrozenWeights(_frozen.Parameters);
            }

            return _frozen;
        }
    }

    public XlmRoberta? FrozenOrNull => _frozen;

    /// <summary>Makes sure that adapters left the encoder alone.</summary>
    /// <exception cref="RunException">Exit 7: a weight has changed.</exception>
    public void RequireFrozen()
    {
        if (_checksums?.FirstMoved() is { } moved)
            throw new RunException(
                ExitCode.CheckFailed,
                $"{EncoderFolder}: '{moved}' is frozen, but its values changed in memory while adapters were trained. "
                + "Nothing is written. Look for a fault of the memory; without one it is a fault of this program.");
    }

    /// <summary>An encoder of its own, such as one that is trained; the caller disposes it.</summary>
    /// <exception cref="RunException">Exit 4: malformed files.</exception>
    public XlmRoberta Load(string folder)
    {
        using ModelFolder files = ModelFolder.Open(folder, SayOnce, withHead: false);
        return (XlmRoberta)ModelLoader.Load(files, Backend, _type, Positions, SayOnce, _run.Stop);
    }

    /// <summary>An encoder for whole-model training that begins where the study begins.</summary>
    public XlmRoberta LoadStart() => Load(EncoderFolder);

    public SlotEvaluation Evaluation(XlmRoberta encoder) =>
        new(encoder, Tape, _config.Data.Labels, _config.EvaluationTokens, _run.Stop);

    /// <summary>Copies of the frozen encoder's weights for low-rank terms, where passes are short, or where they take
    /// no more memory than the learners do.</summary>
    /// <param name="learners">That are trained at once; all adapt the same layers.</param>
    /// <returns>The caller's to give up when the learners are done; null where there are none.</returns>
    public PackedWeights? Pack(IReadOnlyList<SlotLearner> learners)
    {
        if (learners[0].Weights.Adapter is null)
            return null;
        learners[0].Weights.AttachAlone(Frozen);
        long all = learners.Sum(learner => (long)learner.Batches.MaxTokens);
        long rows = Math.Min(all, (long)_config.PassTokens + learners.Max(learner => learner.Batches.MaxTokens));
        long states = learners.Sum(learner => learner.StateBytes);
        if (states >= PackedWeights.MostBytes(Frozen.Parameters, Frozen.Linears))
            rows = Math.Min(rows, PackedWeights.MostForwardRows);   // both sides
        return new PackedWeights(Frozen.Parameters, Frozen.Linears, rows);
    }

    /// <param name="onDone">Told each learner that is done.</param>
    /// <param name="onSave">Told each learner that is to be saved.</param>
    public SlotTrainer Trainer(
        XlmRoberta encoder, ulong seed, Action<SlotLearner> onDone, Action<SlotLearner> onSave) =>
        new(encoder, Tape, Evaluation(encoder), seed, _run.Stop)
        {
            OnDone = onDone,
            OnSave = onSave,
            Warn = _run.Say,
            SaveSteps = _config.Training.SaveSteps,
            PassTokens = _config.PassTokens,
            OnEpoch = (learner, epoch) =>
            {
                if (_run.ShowsProgress)
                    _run.Say(FormattableString.Invariant(
                        $"{learner.Name}  epoch {epoch.Number}  loss {epoch.Loss:F4}  dev F1 {100 * epoch.DevF1:F2}"));
            },
        };

    /// <summary>What is odd about the encoder that all start from need not be said of every state.</summary>
    private void SayOnce(string line)
    {
        if (_said.Add(line))
            _run.Say(line);
    }

    public void Dispose()
    {
        _frozen?.Dispose();
        Tape.Dispose();
        Backend.Dispose();
    }
}
