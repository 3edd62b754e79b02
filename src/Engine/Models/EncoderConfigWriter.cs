using System.Text.Json;
using FastCpt.Kernels;
using static FastCpt.Engine.Models.ModelConfigWriter;

namespace FastCpt.Engine.Models;

/// <summary>Writes config.json of XLM-R and RoBERTa.</summary>
internal static class EncoderConfigWriter
{
    public static void Write(Utf8JsonWriter json, EncoderConfig config, DType type)
    {
        string family = config.Family == EncoderFamily.Roberta ? "Roberta" : "XLMRoberta";
        WriteKind(json, config, family + (config.HasMaskedHead ? "ForMaskedLM" : "Model"), type);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteNumber("hidden_size", config.Width);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("num_attention_heads", config.Heads);
        json.WriteNumber("intermediate_size", config.InnerWidth);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        json.WriteNumber("type_vocab_size", config.TokenTypes);
        json.WriteString("hidden_act", "gelu");
        json.WriteString("position_embedding_type", "absolute");
        WriteReal(json, "layer_norm_eps", config.NormEpsilon);
        WriteReal(json, "hidden_dropout_prob", config.HiddenDropout);
        WriteReal(json, "attention_probs_dropout_prob", config.AttentionDropout);
        if (config.ClassifierDropout is { } rate)
            WriteReal(json, "classifier_dropout", rate);
        else
            json.WriteNull("classifier_dropout");
        WriteReal(json, "initializer_range", config.InitializerRange);
        WriteTokens(json, config);
    }
}
