using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Engine.Training.Slots;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>The strategies as lora-sharing.md 1.2 writes them down, in memory alone: without states, folders, sharing
/// maps and passes of several.</summary>
/// <remarks>What is learned is given as the bits of every number, by the name of its parameter.</remarks>
internal sealed class HandMadeStrategies : IDisposable
{
    private const ulong Seed = 1;

    private readonly AdapterStudyConfig _config;
    private readonly StopSignal _stop = new(folder: null, _ => { });
    private readonly SlotSession _session;

    /// <param name="output">Of a study with this configuration, whose tokenizer and encoder are there.</param>
    public HandMadeStrategies(AdapterStudyConfig config, string output)
    {
        _config = config;
        _session = new SlotSession(
            config, Path.Combine(output, "tokenizer"), Path.Combine(output, "base", "final"),
            new StudyRun(config, _stop, FileSystem.Real, TextWriter.Null, quiet: true));
    }

    /// <summary>SHARED: one adapter and one head learn language after language. The first of a list of one is
    /// NON-SHARED.</summary>
    /// <returns>After each language.</returns>
    public IReadOnlyList<Dictionary<string, int[]>> Adapter(int rank, params IReadOnlyList<string> locales)
    {
        using SlotWeights weights = SlotWeights.Adapted(
            _session.Frozen, SlotRecipe.Lora(_config, rank, LocaleKey.StartSeed(Seed, locales[0])),
            _session.Sentences.Labels, Seed);
        return Learn(_session.Frozen, weights, locales);
    }

    /// <summary>VANILLA: all of the encoder and one head learn language after language. The first of a list of one is
    /// MONO.</summary>
    /// <inheritdoc cref="Adapter"/>
    public IReadOnlyList<Dictionary<string, int[]>> Whole(params IReadOnlyList<string> locales)
    {
        using XlmRoberta encoder = _session.LoadStart();
        using SlotWeights weights = SlotWeights.Whole(encoder, _session.Sentences.Labels, Seed);
        return Learn(encoder, weights, locales);
    }

    /// <summary>The numbers that a folder of a state holds.</summary>
    public static Dictionary<string, int[]> Stored(string folder)
    {
        const string Prefix = "base_model.model.";
        var numbers = new Dictionary<string, int[]>();
        foreach (string path in Directory.GetFiles(folder, "*.safetensors"))
        {
            using SafeTensorsFile file = SafeTensorsFile.Open(path);
            foreach (TensorEntry entry in file.Entries)
            {
                var bits = new int[entry.ElementCount];
                file.Read(entry, MemoryMarshal.AsBytes(bits.AsSpan()));
                numbers.Add(
                    entry.Name.StartsWith(Prefix, StringComparison.Ordinal) ? entry.Name[Prefix.Length..] : entry.Name,
                    bits);
            }
        }

        return numbers;
    }

    public void Dispose()
    {
        _session.Dispose();
        _stop.Dispose();
    }

    /// <summary>Optimizer, schedule and choice of the epoch begin anew with every language.</summary>
    private List<Dictionary<string, int[]>> Learn(
        XlmRoberta encoder, SlotWeights weights, IReadOnlyList<string> locales)
    {
        var learned = new List<Dictionary<string, int[]>>();
        foreach (string locale in locales)
        {
            using var learner = new SlotLearner(
                locale, weights,
                new SentenceBatches(
                    [_session.Sentences.Of(locale, Partition.Train)], _config.Training.BatchSize, Seed),
                [_session.Sentences.Of(locale, Partition.Dev)], _config.Training);
            _session.Trainer(encoder, Seed, onDone: _ => { }, onSave: _ => { }).Train([learner]);
            learned.Add(weights.Trained.SelectMany(set => set.All).ToDictionary(
                parameter => parameter.Name, Bits));
        }

        return learned;

        int[] Bits(Parameter parameter) =>
        [
            .. TestTensors.Read(weights.Backend, parameter.Value).Select(
                value => BitConverter.SingleToInt32Bits((float)value)),
        ];
    }
}
