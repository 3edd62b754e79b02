using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>An encoder with a head on a device, ready to be scored on annotated sentences.</summary>
/// <remarks>What a study has learned scores what the study says, to the bit.</remarks>
public sealed class SlotModelEvaluation : IDisposable
{
    private readonly SlotSession _session;
    private readonly XlmRoberta? _whole;
    private readonly SlotWeights? _adapter;
    private readonly TokenClassifier _head;
    private readonly SlotEvaluation _evaluation;

    /// <param name="config">How sentences are read and scored; what is trained is not looked at.</param>
    /// <param name="tokenizer">Folder or file.</param>
    /// <param name="encoder">What the adapter is put on; of a whole model, itself or what it was trained from.</param>
    /// <param name="weights">An adapter with its head, or a whole model with a head beside it.</param>
    /// <param name="allowOtherBase">Only warn where the adapter was trained on other weights, with another tokenizer
    /// or for other labels.</param>
    /// <exception cref="RunException">Exit 3: sentences are refused. Exit 4: model files do not fit, or hold no head.
    /// </exception>
    public SlotModelEvaluation(
        AdapterStudyConfig config, IReadOnlyList<string> locales, Partition partition, string tokenizer, string encoder,
        string weights, bool allowOtherBase, StudyRun run)
    {
        _session = new SlotSession(config, tokenizer, encoder, run);
        try
        {
            bool isAdapter = PeftFolder.IsAt(weights) || BlockAdapterFolder.IsAt(weights);
            if (!isAdapter && !SlotHeadFile.IsAt(weights))
                throw new RunException(ExitCode.ModelFile, Directory.Exists(weights)
                    ? $"{weights}: holds neither an adapter nor a whole model with a head ({SlotHeadFile.FileName}), "
                        + "expected one that labels words."
                    : $"{weights}: there is no such folder.");
            Sets = [.. locales.Select(locale => _session.Sentences.Of(locale, partition))];
            Require(weights, isAdapter, LabelMap.Of(config.Data.Labels), allowOtherBase, run);
            if (isAdapter)
            {
                _adapter = SlotWeights.Load(_session.Frozen, weights, _session.Sentences.Labels, run.Say);
                _adapter.AttachAlone(_session.Frozen);
                _head = _adapter.Head;
            }
            else
            {
                _whole = _session.Load(weights);
                _head = new TokenClassifier(
                    _session.Backend, _whole.Parameters.Type, _whole.Config.Width, _session.Sentences.Labels);
                SlotHeadFile.Read(weights, _head.Parameters);
            }

            _evaluation = _session.Evaluation(_whole ?? _session.Frozen);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The sentences of each locale, in the order that was asked for.</summary>
    public IReadOnlyList<SentenceSet> Sets { get; }

    /// <summary>Where a study has its tokenizer, and the encoder that its adapters belong to; nothing is made.
    /// </summary>
    public static (string Tokenizer, string Encoder) PlacesOf(AdapterStudyConfig study)
    {
        var graph = new AdapterStudyGraph(study, _ => throw new InvalidOperationException("Nothing is made here."));
        return (graph.Tokenizer.Location, graph.Encoder.ModelFolder);
    }

    /// <exception cref="RunException">Exit 130, 143: stopped.</exception>
    public SlotScore Measure(SentenceSet set) => _evaluation.Measure(_head, set);

    public void Dispose()
    {
        _adapter?.Dispose();
        if (_adapter is null)
            _head?.Dispose();
        _whole?.Dispose();
        _session.Dispose();
    }

    /// <summary>Holds the weights against what they are used with; a whole model has a base no more.</summary>
    private void Require(string weights, bool isAdapter, LabelMap labels, bool allowOtherBase, StudyRun run)
    {
        if (AdapterState.Read(weights) is { } state)
            state.Require(
                weights, isAdapter ? _session.EncoderHashes : state.Base, labels.Names, _session.Pieces.Sha256,
                allowOtherBase ? run.Say : null);
        else
            run.Say(
                $"{weights}: has no {AdapterState.FileName}, so the {labels.Count} labels of its head are taken to be "
                + $"in the order {string.Join(", ", labels.Names.Take(4))}, ...");
    }
}
