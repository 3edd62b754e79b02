using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Writes config.json for the Hugging Face library; the same config always gives the same bytes.</summary>
/// <remarks>
/// Rotary embeddings and layer kinds stand in the older and the newer spelling side by side, so that every version
/// of the library that knows the family reads them.
/// </remarks>
public static class ModelConfigWriter
{
    /// <param name="type">Of the weights beside it: F32, BF16 or F16.</param>
    /// <returns>UTF-8, with a line break at the end.</returns>
    /// <exception cref="ArgumentException">config.json cannot express the config.</exception>
    public static byte[] Write(ModelConfig config, DType type)
    {
        using var stream = new MemoryStream();
        var options = new JsonWriterOptions
        {
            Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartObject();
            if (config is EncoderConfig encoder)
                EncoderConfigWriter.Write(json, encoder, type);
            else
                WriteDecoder(json, (DecoderConfig)config, type);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        byte[] bytes = stream.ToArray();
        if (!ModelConfigReader.Parse(bytes, ModelConfigReader.FileName).Config.IsSameAs(config))
            throw new ArgumentException($"config.json of {config.ModelType} cannot express {config}.");
        return bytes;
    }

    private static void WriteDecoder(Utf8JsonWriter json, DecoderConfig config, DType type)
    {
        WriteShape(json, config, type);
        WriteTokens(json, config);
        WriteRotations(json, config);
        WriteFamily(json, config);
    }


    /// <param name="architecture">The library's class: <c>LlamaForCausalLM</c>.</param>
    internal static void WriteKind(Utf8JsonWriter json, ModelConfig config, string architecture, DType type)
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue(architecture);
        json.WriteEndArray();
        json.WriteString("model_type", config.ModelType);
        json.WriteString("torch_dtype", type switch
        {
            DType.F32 => "float32",
            DType.BF16 => "bfloat16",
            DType.F16 => "float16",
            _ => throw new ArgumentException($"Weights are stored as F32, BF16 or F16, not {type}."),
        });
    }

    private static void WriteShape(Utf8JsonWriter json, DecoderConfig config, DType type)
    {
        WriteKind(json, config, $"{config.Architecture}ForCausalLM", type);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteNumber("hidden_size", config.Width);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("num_attention_heads", config.Heads);
        json.WriteNumber("num_key_value_heads", config.KeyHeads);
        json.WriteNumber("head_dim", config.HeadSize);
        json.WriteNumber("intermediate_size", config.InnerWidth);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        WriteReal(json, "rms_norm_eps", config.NormEpsilon);
        WriteReal(json, "initializer_range", config.InitializerRange);
        json.WriteBoolean("tie_word_embeddings", config.TiedHead);
        WriteReal(json, "attention_dropout", 0f);
        json.WriteBoolean("use_cache", true);
    }

    internal static void WriteTokens(Utf8JsonWriter json, ModelConfig config)
    {
        WriteToken("bos_token_id", config.BosToken is { } bos ? [bos] : []);
        WriteToken("eos_token_id", config.EosTokens);
        WriteToken("pad_token_id", config.PadToken is { } pad ? [pad] : []);

        void WriteToken(string key, IReadOnlyList<int> ids)
        {
            if (ids.Count > 1)
                json.WriteStartArray(key);
            else
                json.WritePropertyName(key);
            foreach (int id in ids)
                json.WriteNumberValue(id);
            if (ids.Count > 1)
                json.WriteEndArray();
            else if (ids.Count == 0)
                json.WriteNullValue();
        }
    }

    private static void WriteRotations(Utf8JsonWriter json, DecoderConfig config)
    {
        WriteReal(json, "rope_theta", config.Rope.Theta);
        if (config.Rope.Scaling == RopeScaling.None)
            json.WriteNull("rope_scaling");
        else
            WriteRope(json, "rope_scaling", config.Rope);
        if (config.Architecture != Architecture.Gemma3)
        {
            WriteRope(json, "rope_parameters", config.Rope);
            return;
        }

        WriteReal(json, "rope_local_base_freq", config.LocalRope.Theta);
        json.WriteStartObject("rope_parameters");
        WriteRope(json, "full_attention", config.Rope);
        WriteRope(json, "sliding_attention", config.LocalRope);
        json.WriteEndObject();
    }

    private static void WriteRope(Utf8JsonWriter json, string key, RopeConfig rope)
    {
        json.WriteStartObject(key);
        json.WriteString("rope_type", rope.Scaling switch
        {
            RopeScaling.None => "default",
            RopeScaling.Linear => "linear",
            _ => "llama3",
        });
        WriteReal(json, "rope_theta", rope.Theta);
        if (rope.Scaling != RopeScaling.None)
            WriteReal(json, "factor", rope.Factor);
        if (rope.Scaling == RopeScaling.Llama3)
        {
            WriteReal(json, "low_freq_factor", rope.LowFrequencyFactor);
            WriteReal(json, "high_freq_factor", rope.HighFrequencyFactor);
            json.WriteNumber("original_max_position_embeddings", (long)rope.OriginalPositions);
        }

        json.WriteEndObject();
    }

    private static void WriteFamily(Utf8JsonWriter json, DecoderConfig config)
    {
        bool gemma = config.Architecture == Architecture.Gemma3;
        json.WriteString(gemma ? "hidden_activation" : "hidden_act", gemma ? "gelu_pytorch_tanh" : "silu");
        if (config.Architecture != Architecture.Qwen2)
            json.WriteBoolean("attention_bias", config.OutputBias);
        if (config.Architecture == Architecture.Llama)
        {
            json.WriteBoolean("mlp_bias", config.MlpBias);
            return;
        }

        json.WriteStartArray("layer_types");
        foreach (bool local in config.LocalLayers)
            json.WriteStringValue(local ? ModelConfigReader.SlidingAttention : ModelConfigReader.FullAttention);
        json.WriteEndArray();
        if (gemma)
        {
            WriteGemma(json, config);
            return;
        }

        json.WriteBoolean("use_sliding_window", false);
        json.WriteNull("sliding_window");
        json.WriteNumber("max_window_layers", config.Layers);
    }

    private static void WriteGemma(Utf8JsonWriter json, DecoderConfig config)
    {
        json.WriteNumber("sliding_window", config.Window > 0 ? config.Window : ModelDefaults.GemmaWindow);
        int pattern = 1;
        while (pattern <= config.Layers && !Enumerable.Range(0, config.Layers)
            .All(layer => config.LocalLayers[layer] == ((layer + 1) % pattern != 0)))
            pattern++;
        if (pattern <= config.Layers || config.LocalLayers.All(local => local))
            json.WriteNumber("sliding_window_pattern", pattern);
        double scalar = 1 / ((double)config.AttentionScale * config.AttentionScale);
        if ((float)(1 / Math.Sqrt(Math.Round(scalar))) == config.AttentionScale)
            json.WriteNumber("query_pre_attn_scalar", (long)Math.Round(scalar));
        else
            WriteReal(json, "query_pre_attn_scalar", scalar);
        json.WriteNull("attn_logit_softcapping");
        json.WriteNull("final_logit_softcapping");
        json.WriteBoolean("use_bidirectional_attention", false);
    }

    /// <summary>The shortest text that reads back as the same number, with a point: some readers want one.</summary>
    internal static void WriteReal(Utf8JsonWriter json, string key, float value) =>
        WriteReal(json, key, value.ToString("R", CultureInfo.InvariantCulture));

    private static void WriteReal(Utf8JsonWriter json, string key, double value) =>
        WriteReal(json, key, value.ToString("R", CultureInfo.InvariantCulture));

    private static void WriteReal(Utf8JsonWriter json, string key, string text)
    {
        json.WritePropertyName(key);
        json.WriteRawValue(text.AsSpan().ContainsAny(".E") ? text : text + ".0");
    }
}
