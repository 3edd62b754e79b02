using System.Text;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Studies;

/// <summary>Scores of a model on every language of a study, and its drift from the base.</summary>
public sealed class EvaluatedModel : Artefact
{
    private const string FileName = "scores.json";

    private readonly StudyConfig _config;
    private readonly StudyModel _model;
    private readonly ModelArtefact _origin;
    private readonly TokenizerArtefact _tokenizer;

    /// <param name="origin">The base model, which may be the model itself.</param>
    public EvaluatedModel(StudyConfig config, StudyModel model, ModelArtefact origin, TokenizerArtefact tokenizer)
        : base($"evaluation/{model.Artefact.Name}", config.OutputDir, tokenizer, model.Artefact, origin)
    {
        (_config, _model, _origin, _tokenizer) = (config, model, origin, tokenizer);
    }

    /// <exception cref="RunException">Exit 3: the file of a complete artefact was changed by hand.</exception>
    public ModelResult Load() => StudyResultsFile.LoadModel(Path.Combine(Folder, FileName));

    protected override JsonObject Recipe() => new()
    {
        ["languages"] = new JsonArray([.. StudyLanguage.Of(_config).Select(language => (JsonNode)(
            $"{language} {HashOf(_config.FileOf(language.Code))} "
            + $"{_config.TextOf(language.Code).BudgetTokens}"))]),
        ["data"] = _config.ToJson()["data"]!.DeepClone(), // written by ToJson
        ["max_documents"] = _config.Evaluation.MaxDocuments,
        ["device"] = _config.Device,
        ["precision"] = _config.Precision.ToString(),
        ["groups"] = $"{_config.Alignment.FirstLayers} {_config.Alignment.LastLayers}",
    };

    protected override void MakeContent(StudyRun run)
    {
        using var evaluation = new ModelEvaluation(
            _model.Artefact.ModelFolder, _tokenizer.Location, _config.Device, _config.Threads, _config.Precision,
            _config.Data.MaxSeqLength, _config.Evaluation.BatchSize * _config.Data.MaxSeqLength, run.Say);
        var corpora = new Corpora(
            _config.Data, run.ShardFolder, evaluation.Tokenizer, run.Say, run.Stop, _config.Threads,
            run.Files);
        var languages = new List<LanguageResult>();
        foreach (StudyLanguage language in StudyLanguage.Of(_config))
        {
            using TokenShard corpus = corpora.Open(
                _config.TextOf(language.Code), heldOut: language.Role == LanguageRole.HeldOut);
            LanguageScore score = evaluation.Measure(
                language.Code, corpus, _config.Evaluation.MaxDocuments, _config.Data.SplitSeed, run.Stop);
            languages.Add(new LanguageResult(
                language, score.BitsPerByte, score.Perplexity, score.Tokens, score.Bytes));
        }

        var result = new ModelResult(
            _model.Artefact.Name, _model.Seed, _model.System, _model.Family, evaluation.Device, languages,
            MeasureDrift(run));
        AtomicFile.Write(
            Path.Combine(Folder, FileName), Encoding.UTF8.GetBytes(StudyResultsFile.ToJson(result) + "\n"), run.Files);
        run.Say($"evaluated {_model.Artefact.Name}");
    }

    private IReadOnlyList<DriftResult> MeasureDrift(StudyRun run)
    {
        using ModelFolder origin = ModelFolder.Open(_origin.ModelFolder, run.Say);
        using ModelFolder model = ModelFolder.Open(_model.Artefact.ModelFolder, run.Say);
        IReadOnlyDictionary<int, PartDrift> parts = Drift.Measure(origin, model, run.Stop);
        var groups = LayerGroups.Of(
            parts.Keys.Max() + 1, _config.Alignment.FirstLayers, _config.Alignment.LastLayers);
        var sums = new Dictionary<string, PartDrift>();
        foreach ((int layer, PartDrift drift) in parts)
        {
            string group = layer < 0 ? "other" : GroupName(groups, layer);
            sums[group] = sums.GetValueOrDefault(group) + drift;
        }

        return [.. sums.Select(sum => new DriftResult(
            sum.Key, Math.Sqrt(sum.Value.OriginSquares), sum.Value.Relative, sum.Value.Rms, sum.Value.Cosine))];
    }

    private static string GroupName(LayerGroups groups, int layer) =>
        groups.First.Contains(layer) ? "first" : groups.Middle.Contains(layer) ? "middle" : "last";
}
