using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies;

/// <summary>A model of a study and what it stands for.</summary>
/// <param name="System">Null for the base.</param>
/// <param name="Family">Null for a model of all families.</param>
public sealed record StudyModel(ulong Seed, StudySystem? System, string? Family, ModelArtefact Artefact);

/// <summary>Every artefact that a study needs, each after what it is made from.</summary>
/// <remarks>family-expert continual pretraining: the seven systems of Ahuja and Blevins 2026, section 3.</remarks>
public sealed class StudyGraph
{
    private readonly StudyConfig _config;
    private readonly List<Artefact> _artefacts = [];
    private readonly List<StudyModel> _models = [];
    private readonly List<EvaluatedModel> _evaluations = [];
    private readonly StudyRuns _runs;

    public StudyGraph(StudyConfig config)
    {
        _config = config;
        TokenizerArtefact tokenizer = Add<TokenizerArtefact>(config.Tokenizer.Path is { } path
            ? new GivenTokenizer(config.OutputDir, path)
            : new StudyTokenizer(config));
        _runs = new StudyRuns(config, tokenizer);
        if (config.Base.Model.Path is null)
            Baseline = Add(new UnigramBaseline(config, tokenizer, _runs.BaseMixture));
        foreach (ulong seed in config.Seeds)
            AddSystems(seed);
    }

    /// <summary>In an order in which they can be made.</summary>
    public IReadOnlyList<Artefact> Artefacts => _artefacts;

    public IReadOnlyList<StudyModel> Models => _models;

    /// <summary>Null where the base model exists already, so that its training text is not known.</summary>
    public UnigramBaseline? Baseline { get; }

    /// <summary>One for each model, in the same order.</summary>
    public IReadOnlyList<EvaluatedModel> Evaluations => _evaluations;

    /// <summary>The artefacts of some names and all that they are made from, in order.</summary>
    /// <param name="names">Whole, or a model's without its seed, for all seeds; none for all artefacts.</param>
    /// <exception cref="RunException">Exit 2: a name is not in the study.</exception>
    public IReadOnlyList<Artefact> Only(IReadOnlyList<string> names)
    {
        if (names.Count == 0)
            return _artefacts;
        var wanted = new HashSet<Artefact>();
        foreach (string name in names)
            Named(name).ForEach(Want);
        return [.. _artefacts.Where(wanted.Contains)];

        void Want(Artefact artefact)
        {
            if (!wanted.Add(artefact))
                return;
            foreach (Artefact input in artefact.Inputs)
                Want(input);
        }
    }

    /// <summary>The artefact of a whole name; for a model's name without the seed, those of all seeds.</summary>
    private List<Artefact> Named(string name)
    {
        HashSet<string> full = [name, .. _config.Seeds.Select(seed => $"seed-{seed}/{name}")];
        List<Artefact> named = _artefacts.FindAll(artefact => full.Contains(artefact.Name));
        return named.Count > 0 ? named : throw new RunException(
            ExitCode.Usage,
            $"--only {name}: the study makes no such artefact. It makes: "
            + $"{string.Join(", ", _artefacts.Select(artefact => artefact.Name))}.");
    }

    private void AddSystems(ulong seed)
    {
        ModelArtefact origin = Add(_runs.Base(seed));
        AddModel(seed, null, null, origin, origin);
        ModelArtefact? dense = Needs(StudySystem.Dense, StudySystem.DenseReverted)
            ? Add(_runs.Dense(seed, origin))
            : null;
        var experts = new List<ModelArtefact>();
        if (Needs(StudySystem.Expert, StudySystem.ExpertReverted, StudySystem.Soup))
            experts.AddRange(_config.Families.Select(family => Add(_runs.Expert(seed, family, origin))));

        foreach (StudySystem system in _config.Systems)
        {
            switch (system)
            {
                case StudySystem.Dense:
                    AddModel(seed, system, null, dense!, origin);
                    break;
                case StudySystem.DenseReverted:
                    AddModel(seed, system, null, Add(_runs.Reverted(seed, "dense_reverted", dense!, origin)), origin);
                    break;
                case StudySystem.Soup:
                    AddModel(seed, system, null, Add(_runs.Soup(seed, experts)), origin);
                    break;
                default:
                    for (int i = 0; i < _config.Families.Count; i++)
                        AddFamilyModel(seed, system, _config.Families[i], experts.ElementAtOrDefault(i), origin);
                    break;
            }
        }
    }

    private void AddFamilyModel(
        ulong seed, StudySystem system, FamilyConfig family, ModelArtefact? expert, ModelArtefact origin)
    {
        ModelArtefact model = system switch
        {
            StudySystem.Expert => expert!,
            StudySystem.ExpertReverted => Add(
                _runs.Reverted(seed, $"expert_reverted-{family.Name}", expert!, origin)),
            StudySystem.Freeze => Add(_runs.Frozen(seed, family, origin)),
            _ => Add(_runs.Pulled(seed, family, origin)),
        };
        AddModel(seed, system, family.Name, model, origin);
    }

    private bool Needs(params ReadOnlySpan<StudySystem> systems)
    {
        foreach (StudySystem system in systems)
            if (_config.Systems.Contains(system))
                return true;
        return false;
    }

    private void AddModel(
        ulong seed, StudySystem? system, string? family, ModelArtefact model, ModelArtefact origin)
    {
        var entry = new StudyModel(seed, system, family, model);
        _models.Add(entry);
        _evaluations.Add(Add(_runs.Evaluation(entry, origin)));
    }

    private T Add<T>(T artefact)
        where T : Artefact
    {
        _artefacts.Add(artefact);
        return artefact;
    }
}
