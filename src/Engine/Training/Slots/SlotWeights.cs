using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training.Slots;

/// <summary>What a learner trains: a whole encoder, or an adapter over a frozen one; and a head of its own.</summary>
public sealed class SlotWeights : IDisposable
{
    private readonly Lora? _lora;
    private readonly BlockAdapters? _blocks;
    private readonly LowRankAdapter?[] _adapters;       // by linear layer of the encoder

    private SlotWeights(XlmRoberta encoder, TokenClassifier head, Lora? lora = null, BlockAdapters? blocks = null)
    {
        (Head, _lora, _blocks) = (head, lora, blocks);
        _adapters = [.. encoder.Linears.Select(linear => linear.Adapter)];
        Trained = [lora?.Parameters ?? blocks?.Parameters ?? encoder.Parameters, head.Parameters];
        Detach(encoder);
    }

    public TokenClassifier Head { get; }

    public bool IsAdapter => _lora is not null || _blocks is not null;

    /// <summary>A and B of an adapter; null for a whole encoder, and for an adapter of another kind.</summary>
    public Lora? Adapter => _lora;

    /// <summary>An adapter at the blocks; null for a whole encoder, and for A and B.</summary>
    public BlockAdapters? Blocks => _blocks;

    /// <summary>The sets of which parts are marked for training: the encoder's or the adapter's, and the head's.
    /// </summary>
    public IReadOnlyList<ParameterSet> Trained { get; }

    public Backend Backend => Head.Parameters.Backend;

    /// <summary>All of an encoder that has no other head, and a head drawn from the seed.</summary>
    public static SlotWeights Whole(XlmRoberta encoder, int labels, ulong seed)
    {
        Detach(encoder);
        encoder.Parameters.Train(_ => true);
        return new SlotWeights(encoder, NewHead(encoder, labels, seed));
    }

    /// <summary>A fresh adapter, drawn from the seed of its settings, and a head; the encoder is frozen.</summary>
    /// <param name="headSeed">What the head is drawn from.</param>
    /// <exception cref="Files.RunException">Exit 3: a target that is no layer.</exception>
    public static SlotWeights Adapted(XlmRoberta encoder, LoraSettings settings, int labels, ulong headSeed)
    {
        Detach(encoder);
        return new SlotWeights(encoder, NewHead(encoder, labels, headSeed), Lora.Attach(encoder, settings));
    }

    /// <inheritdoc cref="Adapted(XlmRoberta, LoraSettings, int, ulong)"/>
    /// <exception cref="Files.RunException">Exit 3: settings that make no sense.</exception>
    public static SlotWeights Adapted(XlmRoberta encoder, BlockAdapterSettings settings, int labels, ulong headSeed)
    {
        Detach(encoder);
        encoder.Parameters.Train(_ => false);
        return new SlotWeights(
            encoder, NewHead(encoder, labels, headSeed), blocks: BlockAdapters.Create(encoder, settings));
    }

    /// <summary>An adapter and its head from a folder; the encoder is frozen.</summary>
    /// <exception cref="Files.RunException">Exit 4: the folder does not fit the encoder or the labels.</exception>
    public static SlotWeights Load(XlmRoberta encoder, string folder, int labels, Action<string> warn)
    {
        Detach(encoder);
        TokenClassifier head = NewHead(encoder, labels, seed: 0);
        try
        {
            if (BlockAdapterFolder.IsAt(folder))
            {
                encoder.Parameters.Train(_ => false);
                return new SlotWeights(
                    encoder, head, blocks: BlockAdapterFolder.Load(encoder, folder, warn, head.Parameters));
            }

            using PeftFolder stored = PeftFolder.Open(folder, warn);
            return new SlotWeights(encoder, head, stored.Attach(encoder, warn, head.Parameters));
        }
        catch
        {
            head.Dispose();
            throw;
        }
    }

    /// <summary>A fresh fusion of bottlenecks from folders, which stay as they are, and a head.</summary>
    /// <param name="bottlenecks">Names, as of languages, and folders.</param>
    /// <param name="seed">What the fusion is drawn from.</param>
    /// <exception cref="Files.RunException">Exit 4: a folder does not fit the encoder or the labels.</exception>
    public static SlotWeights Fused(
        XlmRoberta encoder, IReadOnlyList<(string Name, string Folder)> bottlenecks, ulong seed, int labels,
        ulong headSeed, Action<string> warn)
    {
        BlockAdapters fusion = BlockAdapters.Create(encoder, new FusionSettings
        {
            Seed = seed,
            Adapters = [.. bottlenecks.Select(
                one => (one.Name, BlockAdapterFolder.Describe(one.Folder).Sizes[0]))],
        });
        try
        {
            foreach (var (name, folder) in bottlenecks)
            {
                using SlotWeights one = Load(encoder, folder, labels, warn);
                fusion.Fuse(name, one.Blocks
                    ?? throw new ArgumentException($"{folder} holds no bottlenecks.", nameof(bottlenecks)));
            }

            return new SlotWeights(encoder, NewHead(encoder, labels, headSeed), blocks: fusion);
        }
        catch
        {
            fusion.Dispose();
            throw;
        }
    }

    /// <summary>Puts these weights on the encoder: for every row of passes that say nothing of adapters.</summary>
    public void AttachAlone(XlmRoberta encoder)
    {
        Detach(encoder);
        Attach(encoder, place: 0);
    }

    /// <summary>Puts an adapter on the encoder beside others.</summary>
    /// <param name="place">As <see cref="AdapterRows"/> know it.</param>
    public void Attach(XlmRoberta encoder, int place)
    {
        for (int i = 0; i < encoder.Linears.Count; i++)
            encoder.Linears[i].SetAdapter(place, _adapters[i]);
        _blocks?.Attach(encoder, place);
    }

    /// <summary>Takes all adapters off.</summary>
    public static void Detach(XlmRoberta encoder)
    {
        foreach (Linear linear in encoder.Linears)
            linear.ClearAdapters();
        BlockAdapters.Detach(encoder);
    }

    public void ClearGradients()
    {
        foreach (ParameterSet set in Trained)
            set.ClearGradients();
    }

    /// <summary>Gives up the head and the adapter; the encoder stays.</summary>
    public void Dispose()
    {
        _lora?.Dispose();
        _blocks?.Dispose();
        Head.Dispose();
    }

    private static TokenClassifier NewHead(XlmRoberta encoder, int labels, ulong seed)
    {
        var head = new TokenClassifier(encoder.Backend, encoder.Parameters.Type, encoder.Config.Width, labels);
        head.Draw(seed, encoder.Config.InitializerRange);
        head.Parameters.Train(_ => true);
        return head;
    }
}
