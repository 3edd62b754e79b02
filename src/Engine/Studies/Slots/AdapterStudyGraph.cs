using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Every artefact that a study of adapters needs, each after what it is made from.</summary>
/// <remarks>
/// A state is known by what was learned, in which order, at which rank: strategies and orders that begin alike share
/// their first states. A state is scored on the locales of the sequences that it is in; MONO's on its own, MULTI's on
/// all. lora-sharing.md 1.2.
/// </remarks>
internal sealed class AdapterStudyGraph
{
    private readonly AdapterStudyConfig _config;
    private readonly Func<SlotSession> _session;
    private readonly List<Artefact> _artefacts = [];
    private readonly Dictionary<(int? Rank, ulong Seed, string Chain), StateScores> _states = [];
    private readonly List<PlannedSequence> _sequences = [];
    private readonly List<(ulong Seed, string Locale, StateScores Scores)> _monos = [];
    private readonly Dictionary<ulong, StateScores> _multis = [];
    private readonly List<(int Rank, ulong Seed, string Locale, StateScores Scores)> _fusions = [];
    private readonly Dictionary<ulong, UntrainedState> _untrained = [];

    /// <param name="session">Opened when the first state is made, after tokenizer and encoder.</param>
    public AdapterStudyGraph(AdapterStudyConfig config, Func<AdapterStudyGraph, SlotSession> session)
    {
        _config = config;
        _session = () => session(this);
        Tokenizer = Add<TokenizerArtefact>(
            config.Tokenizer.VocabularySize.HasValue ? new SlotTokenizer(config)
                : new GivenTokenizer(config.OutputDir, config.Tokenizer.Path ?? config.Base.Model.Path!)); // the reader
        Encoder = SlotEncoders.Of(config, Tokenizer, artefact => Add(artefact));
        Languages = Add(new StudyLanguages(config, _session, [Tokenizer, Encoder]));
        foreach (ulong seed in config.Seeds)
        {
            _untrained[seed] = Add(new UntrainedState(config, seed, _session, [Tokenizer, Encoder]));
            foreach (SharingStrategy strategy in config.Strategies)
                AddStrategy(strategy, seed);
        }

        foreach (ulong seed in config.MonoSeeds)
            AddMono(seed);
    }

    public TokenizerArtefact Tokenizer { get; }

    /// <summary>The encoder that all strategies start from.</summary>
    public ModelArtefact Encoder { get; }

    public StudyLanguages Languages { get; }

    /// <summary>In an order in which they can be made.</summary>
    public IReadOnlyList<Artefact> Artefacts => _artefacts;

    public IReadOnlyList<PlannedSequence> Sequences => _sequences;

    /// <summary>Row 0 of R, by seed.</summary>
    public IReadOnlyDictionary<ulong, UntrainedState> Untrained => _untrained;

    /// <summary>Models of one language each.</summary>
    public IReadOnlyList<(ulong Seed, string Locale, StateScores Scores)> Monos => _monos;

    /// <summary>The model of all languages, by seed.</summary>
    public IReadOnlyDictionary<ulong, StateScores> Multis => _multis;

    /// <summary>Fusions of bottlenecks, one for each language.</summary>
    public IReadOnlyList<(int Rank, ulong Seed, string Locale, StateScores Scores)> Fusions => _fusions;

    /// <summary>The artefacts of some names, and what they are made from, in order; all for no name.</summary>
    /// <exception cref="RunException">Exit 2: a name is not in the study.</exception>
    public IReadOnlyList<Artefact> Only(IReadOnlyList<string> names)
    {
        if (names.Count == 0)
            return _artefacts;
        var wanted = new HashSet<Artefact>();
        foreach (string name in names)
            Want(_artefacts.Find(artefact => artefact.Name == name) ?? throw new RunException(
                ExitCode.Usage,
                $"--only {name}: the study makes no such artefact. It makes: "
                + $"{string.Join(", ", _artefacts.Select(artefact => artefact.Name))}."));
        return [.. _artefacts.Where(wanted.Contains)];

        void Want(Artefact artefact)
        {
            if (wanted.Add(artefact))
                foreach (Artefact input in artefact.Inputs)
                    Want(input);
        }
    }

    /// <summary>Deletes whole models that nothing needs any more and that the study does not keep, and checkpoints of
    /// what is complete.</summary>
    public void Tidy(StudyRun run)
    {
        foreach (StateScores scores in _states.Values)
            scores.State.DropCheckpoints(run);
        if (_config.Keep == ModelRetention.All)
            return;
        HashSet<StateScores> kept = _config.Keep == ModelRetention.None
            ? [] : [.. _multis.Values, .. _sequences.Select(sequence => sequence.Scores[^1])];
        ILookup<Artefact, Artefact> made = _artefacts.SelectMany(
            artefact => artefact.Inputs.Select(input => (Input: input, Artefact: artefact)))
            .ToLookup(pair => pair.Input, pair => pair.Artefact);
        foreach (LearnedState state in _states.Values.Where(scores => !kept.Contains(scores))
            .Select(scores => scores.State))
            if (state.Lesson.Rank is null && state.HasContent && state.IsUpToDate && !IsNeeded(state))
                state.DropModel(run);

        // What has no content may have to be made once more, for others than itself.
        bool IsNeeded(Artefact artefact) =>
            made[artefact].Any(other => !other.IsUpToDate || !other.HasContent && IsNeeded(other));
    }

    private void AddStrategy(SharingStrategy strategy, ulong seed)
    {
        if (strategy == SharingStrategy.Mono)
        {
            AddMono(seed);
            return;
        }

        if (strategy == SharingStrategy.Multi)
        {
            string[] all = [.. _config.Data.Locales.Order(StringComparer.Ordinal)];
            _multis[seed] = State(new SlotLesson(null, seed, [all]), $"seed-{seed}/multi", all);
            return;
        }

        if (strategy == SharingStrategy.Fusion)
        {
            foreach (int rank in _config.Lora.Ranks)
                AddFusions(rank, seed);
            return;
        }

        IEnumerable<int?> ranks = strategy == SharingStrategy.Vanilla
            ? [null] : _config.Lora.Ranks.Select(rank => (int?)rank);
        foreach (int? rank in ranks)
            foreach (OrderConfig order in _config.Orders)
                AddSequence(strategy, rank, seed, order);
    }

    private void AddMono(ulong seed)
    {
        foreach (string locale in _config.Data.Locales)
            _monos.Add((seed, locale, State(new SlotLesson(null, seed, [[locale]]), "", [locale])));
    }

    private void AddFusions(int rank, ulong seed)
    {
        string[] all = [.. _config.Data.Locales.Order(StringComparer.Ordinal)];
        foreach (string locale in all)
            State(new SlotLesson(rank, seed, [[locale]]), "", [locale]);
        foreach (string locale in _config.Data.Locales)
            _fusions.Add((rank, seed, locale, State(
                new SlotLesson(rank, seed, [[locale]]) { Fused = all }, $"seed-{seed}/rank-{rank}/fusion/{locale}",
                [locale])));
    }

    private void AddSequence(SharingStrategy strategy, int? rank, ulong seed, OrderConfig order)
    {
        IReadOnlyList<string> locales = order.Locales.Count > 0 ? order.Locales
            : order.Name == OrderConfig.Given ? _config.Data.Locales
            : LanguageOrder.Of(order.Name, _config.Data.Locales);
        Func<string, string> adapterOf = SharingMap.Of(strategy, _config.Grouping);
        bool goesOn = strategy == SharingStrategy.NonShared && _config.Lora.Init == AdapterStart.Previous;
        var scores = new List<StateScores>();
        for (int i = 0; i < locales.Count; i++)
        {
            IEnumerable<string> before = locales.Take(i)
                .Where(locale => goesOn || adapterOf(locale) == adapterOf(locales[i]));
            var lesson = new SlotLesson(
                rank, seed, [.. before.Append(locales[i]).Select(locale => (string[])[locale])]);
            string place = rank is null ? $"seed-{seed}" : $"seed-{seed}/rank-{rank}";
            scores.Add(State(
                lesson, $"{place}/{EnumWord.Of(strategy)}/{order.Name}/{i + 1:00}-{locales[i]}", locales));
        }

        _sequences.Add(new PlannedSequence(strategy, rank, seed, order.Name, locales, scores, adapterOf));
    }

    /// <summary>The state of a lesson, to be scored; one that exists already keeps its name. What it goes on from or
    /// fuses is there.</summary>
    /// <param name="name">Where it is not of one language alone.</param>
    /// <param name="locales">On which it is scored, beside those that others ask for.</param>
    private StateScores State(SlotLesson lesson, string name, IEnumerable<string> locales)
    {
        var key = (lesson.Rank, lesson.Seed, lesson.Chain);
        if (!_states.TryGetValue(key, out StateScores? scores))
        {
            LearnedState? previous = lesson.Stages.Count == 1 ? null : _states[
                (lesson.Rank, lesson.Seed, (lesson with { Stages = [.. lesson.Stages.SkipLast(1)] }).Chain)].State;
            if (lesson is { Stages: [[var locale]], Fused: [] })
                name = lesson.Rank is null ? $"seed-{lesson.Seed}/mono/{locale}"
                    : $"seed-{lesson.Seed}/rank-{lesson.Rank}/non_shared/{locale}";
            LearnedState learned = Add(
                new LearnedState(
                    name, _config, lesson, previous,
                    [.. lesson.Fused.Select(fused => _states[
                        (lesson.Rank, lesson.Seed, new SlotLesson(lesson.Rank, lesson.Seed, [[fused]]).Chain)].State)],
                    Tokenizer, Encoder, _session));
            scores = _states[key] = Add(new StateScores(learned, _config, _session));
        }

        scores.Want(locales);
        return scores;
    }

    private T Add<T>(T artefact)
        where T : Artefact
    {
        _artefacts.Add(artefact);
        return artefact;
    }
}
