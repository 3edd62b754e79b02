using FastCpt.Engine.Checkpoints;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Name and shape of a parameter that a model of some config has.</summary>
public readonly record struct ParameterShape(string Name, Shape Shape);

/// <summary>Every parameter of a model by its published name, in the model's order; needs no model.</summary>
public static class ParameterLayout
{
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>There is one only where the head is not the embedding.</summary>
    public const string Head = "lm_head.weight";

    public static IReadOnlyList<ParameterShape> Of(ModelConfig config) => config switch
    {
        DecoderConfig decoder => Of(decoder),
        EncoderConfig encoder => EncoderLayout.Of(encoder),
        _ => throw new ArgumentException($"No layout for {config}."),
    };

    /// <summary>The linear layers of all blocks: their names, without <c>.weight</c>, and weights [N, K].</summary>
    public static IReadOnlyList<ParameterShape> Linears(ModelConfig config) =>
    [
        .. Of(config).Where(parameter => parameter.Shape.Rank == 2
                && parameter.Name.Contains(".layer", StringComparison.Ordinal))
            .Select(parameter => parameter with { Name = parameter.Name[..^".weight".Length] }),
    ];

    /// <summary>The embedding that is the output head as well; null where no head is tied to it.</summary>
    public static string? TiedTable(ModelConfig config) => config switch
    {
        DecoderConfig { TiedHead: true } => Embedding,
        EncoderConfig { HasMaskedHead: true } => EncoderLayout.Words,
        _ => null,
    };

    /// <summary>Number of scalars.</summary>
    public static long Count(ModelConfig config) => Of(config).Sum(parameter => parameter.Shape.Length);

    /// <summary>What the header of a file says of a parameter.</summary>
    internal static TensorEntry Entry(string name, DType type, Shape shape) =>
        new(name, type, [.. Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])]);

    internal static void AddLinear(string name, int outputs, int inputs, bool bias, List<ParameterShape> list)
    {
        list.Add(new ParameterShape($"{name}.weight", new Shape(outputs, inputs)));
        if (bias)
            list.Add(new ParameterShape($"{name}.bias", new Shape(outputs)));
    }

    private static List<ParameterShape> Of(DecoderConfig config)
    {
        var list = new List<ParameterShape> { new(Embedding, new Shape(config.VocabularySize, config.Width)) };
        for (int layer = 0; layer < config.Layers; layer++)
            AddBlock(config, $"model.layers.{layer}", list);
        list.Add(new ParameterShape("model.norm.weight", new Shape(config.Width)));
        if (!config.TiedHead)
            list.Add(new ParameterShape(Head, new Shape(config.VocabularySize, config.Width)));
        return list;
    }

    private static void AddBlock(DecoderConfig config, string name, List<ParameterShape> list)
    {
        int width = config.Width, inner = config.InnerWidth;
        bool normsAround = config.Architecture == Architecture.Gemma3;
        AddNorm("input_layernorm", width);
        AddAttention(config, $"{name}.self_attn", list);
        AddNorm("post_attention_layernorm", width);
        if (normsAround)
            AddNorm("pre_feedforward_layernorm", width);
        AddLinear($"{name}.mlp.gate_proj", inner, width, config.MlpBias, list);
        AddLinear($"{name}.mlp.up_proj", inner, width, config.MlpBias, list);
        AddLinear($"{name}.mlp.down_proj", width, inner, config.MlpBias, list);
        if (normsAround)
            AddNorm("post_feedforward_layernorm", width);

        void AddNorm(string norm, int cols) => list.Add(new ParameterShape($"{name}.{norm}.weight", new Shape(cols)));
    }

    private static void AddAttention(DecoderConfig config, string name, List<ParameterShape> list)
    {
        int queryWidth = config.Heads * config.HeadSize, keyWidth = config.KeyHeads * config.HeadSize;
        AddLinear($"{name}.q_proj", queryWidth, config.Width, config.QueryKeyValueBias, list);
        AddLinear($"{name}.k_proj", keyWidth, config.Width, config.QueryKeyValueBias, list);
        AddLinear($"{name}.v_proj", keyWidth, config.Width, config.QueryKeyValueBias, list);
        AddLinear($"{name}.o_proj", config.Width, queryWidth, config.OutputBias, list);
        if (!config.QueryKeyNorm)
            return;
        list.Add(new ParameterShape($"{name}.q_norm.weight", new Shape(config.HeadSize)));
        list.Add(new ParameterShape($"{name}.k_norm.weight", new Shape(config.HeadSize)));
    }
}
