using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Every parameter of an encoder by its published name, in the model's order.</summary>
internal static class EncoderLayout
{
    public const string Prefix = "roberta.";
    public const string Words = "roberta.embeddings.word_embeddings.weight";
    public const string Positions = "roberta.embeddings.position_embeddings.weight";
    public const string TokenTypes = "roberta.embeddings.token_type_embeddings.weight";
    public const string EmbeddingNorm = "roberta.embeddings.LayerNorm";
    public const string HeadDense = "lm_head.dense";
    public const string HeadNorm = "lm_head.layer_norm";
    public const string HeadBias = "lm_head.bias";

    public static string Layer(int layer) => $"roberta.encoder.layer.{layer}";

    public static List<ParameterShape> Of(EncoderConfig config)
    {
        int width = config.Width, inner = config.InnerWidth;
        List<ParameterShape> list =
        [
            new(Words, new Shape(config.VocabularySize, width)),
            new(Positions, new Shape(config.MaxPositions, width)),
            new(TokenTypes, new Shape(config.TokenTypes, width)),
        ];
        AddNorm(EmbeddingNorm);
        for (int layer = 0; layer < config.Layers; layer++)
        {
            string name = Layer(layer);
            foreach (string part in (string[])["query", "key", "value"])
                AddLinear($"{name}.attention.self.{part}", width, width);
            AddLinear($"{name}.attention.output.dense", width, width);
            AddNorm($"{name}.attention.output.LayerNorm");
            AddLinear($"{name}.intermediate.dense", inner, width);
            AddLinear($"{name}.output.dense", width, inner);
            AddNorm($"{name}.output.LayerNorm");
        }

        if (!config.HasMaskedHead)
            return list;
        AddLinear(HeadDense, width, width);
        AddNorm(HeadNorm);
        list.Add(new ParameterShape(HeadBias, new Shape(config.VocabularySize)));
        return list;

        void AddLinear(string name, int outputs, int inputs) =>
            ParameterLayout.AddLinear(name, outputs, inputs, bias: true, list);

        void AddNorm(string name)
        {
            list.Add(new ParameterShape($"{name}.weight", new Shape(width)));
            list.Add(new ParameterShape($"{name}.bias", new Shape(width)));
        }
    }
}
