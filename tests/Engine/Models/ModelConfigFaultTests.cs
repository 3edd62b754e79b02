using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Configs that are damaged, inconsistent, hostile, or of a model that the engine cannot compute.</summary>
public sealed class ModelConfigFaultTests
{
    private const string Llama =
        "\"model_type\": \"llama\", \"hidden_size\": 32, \"num_attention_heads\": 4, \"num_hidden_layers\": 2, "
        + "\"vocab_size\": 97, \"intermediate_size\": 35";

    private const string Qwen2 =
        "\"model_type\": \"qwen2\", \"hidden_size\": 32, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
        + "\"num_hidden_layers\": 2, \"vocab_size\": 97, \"intermediate_size\": 35";

    private const string Gemma =
        "\"model_type\": \"gemma3_text\", \"hidden_size\": 32, \"num_hidden_layers\": 3, \"vocab_size\": 97, "
        + "\"intermediate_size\": 35";

    /// <summary>Family, the members that are added or replaced, and two pieces of the message: what clashes.</summary>
    private static readonly object[][] Refused =
    [
        ["[]", "", "[]", "object"],
        ["{}", "", "model_type", "missing"],
        ["{\"model_type\": 3}", "", "model_type is 3", "string"],
        ["{\"model_type\": \"mamba\"}", "", "'mamba'", "llama"],
        ["{\"model_type\": \"gemma3\"}", "", "text_config", "missing"],
        ["{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": \"llama\"}}", "", "'llama'", "gemma3_text"],
        ["{\"model_type\": \"gemma3\", \"text_config\": {}, \"hidden_size\": 32}", "", "hidden_size is 32", "not"],
        ["{\"model_type\": \"gemma3\", \"text_config\": {\"tie_word_embeddings\": true}, "
            + "\"tie_word_embeddings\": false}", "", "is True", "is False"],
        [Llama, "\"hidden_size\": -32", "hidden_size is -32", "from 1 to"],
        [Llama, "\"hidden_size\": 32.0", "hidden_size is 32.0", "whole number"],
        [Llama, "\"hidden_size\": \"32\"", "hidden_size is \"32\"", "whole number"],
        [Llama, "\"hidden_size\": null", "hidden_size is null", "whole number"],
        [Llama, "\"hidden_size\": 9223372036854775808", "9223372036854775808", "whole number"],
        [Llama, "\"hidden_size\": 1e999", "too large", "64-bit"],
        [Llama, "\"hidden_size\": 34", "hidden_size is 34", "num_attention_heads 4"],
        [Llama, "\"num_hidden_layers\": 0", "num_hidden_layers is 0", "from 1 to 512"],
        [Llama, "\"num_hidden_layers\": 513", "num_hidden_layers is 513", "from 1 to 512"],
        [Llama, "\"num_attention_heads\": 2048", "2048", "from 1 to 1024"],
        [Llama, "\"num_key_value_heads\": 3", "num_attention_heads is 4", "num_key_value_heads 3"],
        [Llama, "\"num_key_value_heads\": 8", "num_attention_heads is 4", "num_key_value_heads 8"],
        [Llama, "\"head_dim\": 7", "7 elements", "even"],
        [Llama, "\"hidden_size\": 20", "5 elements", "hidden_size 20"],
        [Llama, "\"vocab_size\": 1048577", "1048577", "from 1 to 1048576"],
        [Llama, "\"intermediate_size\": 100000000000", "100000000000", "intermediate_size"],
        [Llama, "\"max_position_embeddings\": 0", "max_position_embeddings is 0", "from 1 to"],
        [Llama, "\"rms_norm_eps\": 0", "rms_norm_eps is 0", "expected a number"],
        [Llama, "\"rms_norm_eps\": -1e-5", "rms_norm_eps is -1e-5", "expected a number"],
        [Llama, "\"hidden_act\": \"gelu\"", "'gelu'", "silu"],
        [Llama, "\"hidden_activation\": \"relu\"", "hidden_activation", "not supported"],
        [Llama, "\"attention_dropout\": 0.1", "attention_dropout is 0.1", "not supported"],
        [Llama, "\"attention_bias\": 1", "attention_bias is 1", "true or false"],
        [Llama, "\"tie_word_embeddings\": \"yes\"", "tie_word_embeddings is \"yes\"", "true or false"],
        [Llama, "\"eos_token_id\": 97", "eos_token_id is 97", "vocab_size is 97"],
        [Llama, "\"eos_token_id\": [2, 5000]", "eos_token_id is 5000", "vocab_size is 97"],
        [Llama, "\"bos_token_id\": -2", "bos_token_id is -2", "from -1"],
        [Llama, "\"sliding_window\": 16", "sliding_window is 16", "not supported"],
        [Llama, "\"quantization_config\": {\"bits\": 4}", "quantization_config", "not supported"],
        [Llama, "\"residual_multiplier\": 0.22", "residual_multiplier", "not supported"],
        [Llama, "\"use_rope\": false", "use_rope is false", "not supported"],
        [Llama, "\"layer_types\": [\"full_attention\"]", "names 1 layers", "num_hidden_layers is 2"],
        [Llama, "\"layer_types\": [\"full_attention\", \"sliding_attention\"]", "'sliding_attention'", "Gemma"],
        [Llama, "\"partial_rotary_factor\": 0.5", "partial_rotary_factor is 0.5", "whole heads"],
        [Llama, "\"rope_theta\": 0", "rope_theta is 0", "expected a number"],
        [Llama, "\"rope_scaling\": 8", "rope_scaling", "object"],
        [Llama, "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0}", "'yarn'", "llama3"],
        [Llama, "\"rope_scaling\": {\"rope_type\": \"linear\", \"type\": \"llama3\"}", "'linear'", "'llama3'"],
        [Llama, "\"rope_scaling\": {\"type\": \"linear\"}", "factor is missing", "linear"],
        [Llama, "\"rope_scaling\": {\"factor\": 8.0}", "factor is 8", "default"],
        [Llama, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0.5}", "factor is 0.5", "from 1"],
        [Llama, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"mrope_section\": [1]}",
            "mrope_section", "no such"],
        [Llama, "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, "
            + "\"high_freq_factor\": 1, \"original_max_position_embeddings\": 64}", "is 4", "high_freq_factor 1"],
        [Llama, "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, "
            + "\"high_freq_factor\": 4}", "original_max_position_embeddings", "missing"],
        [Llama, "\"rope_theta\": 1e4, \"rope_parameters\": {\"rope_theta\": 5e4}", "10000", "50000"],
        [Llama, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}, "
            + "\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4}", "Factor = 2", "Factor = 4"],
        [Llama, "\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"default\"}}", "full_attention", "no such"],
        [Qwen2, "\"use_sliding_window\": true, \"sliding_window\": 8", "use_sliding_window is true", "Gemma"],
        [Qwen2, "\"mlp_bias\": true", "mlp_bias is true", "not supported"],
        [Gemma, "\"attn_logit_softcapping\": 50.0", "attn_logit_softcapping is 50.0", "not supported"],
        [Gemma, "\"final_logit_softcapping\": 30.0", "final_logit_softcapping is 30.0", "not supported"],
        [Gemma, "\"use_bidirectional_attention\": true", "use_bidirectional_attention is true", "not supported"],
        [Gemma, "\"hidden_activation\": \"gelu\"", "'gelu'", "gelu_pytorch_tanh"],
        [Gemma, "\"query_pre_attn_scalar\": 0", "query_pre_attn_scalar is 0", "expected a number"],
        [Gemma, "\"sliding_window\": null", "sliding_window is null", "sliding_attention"],
        [Gemma, "\"sliding_window\": 0", "sliding_window is 0", "from 1"],
        [Gemma, "\"sliding_window_pattern\": 0", "sliding_window_pattern is 0", "from 1"],
        [Gemma, "\"_sliding_window_pattern\": 3", "is 3", "sliding_window_pattern is 6"],
        [Gemma, "\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 8.0}", "rope_type", "full_attention"],
        [Gemma, "\"rope_local_base_freq\": 1e4, \"rope_parameters\": {\"sliding_attention\": {\"rope_theta\": 500}}",
            "500", "rope_local_base_freq outside is 10000"],
    ];

    [TestCaseSource(nameof(Refused))]
    public void Fault_M7_RefusedConfigNamesBothValues(string family, string members, string found, string expected)
    {
        string json = family.StartsWith('"') ? Merge(family, members) : family;
        RunException error = Assert.Throws<RunException>(() => ModelConfigTests.Parse(json))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
            Assert.That(error.Message, Does.StartWith("config.json").And.Contain(found).And.Contain(expected));
        });
    }

    [TestCase("{\"model_type\": \"llama\", \"model_type\": \"llama\"}", TestName = "Fault_M7_DuplicateKey")]
    [TestCase("{\"model_type\": \"llama\"", TestName = "Fault_M7_CutShort")]
    [TestCase("{\"model_type\": \"llama\", \"hidden_size\": NaN}", TestName = "Fault_M7_NotANumber")]
    public void Fault_M7_BadJson(string json) =>
        Assert.That(() => ModelConfigTests.Parse(json),
            Throws.TypeOf<RunException>().With.Property(nameof(RunException.Code)).EqualTo(ExitCode.ModelFile));

    [Test]
    public void Fault_M7_DeepNesting_IsRefused()
    {
        string json = "{\"model_type\": " + new string('[', 100_000) + new string(']', 100_000) + "}";
        Assert.That(() => ModelConfigTests.Parse(json), Throws.TypeOf<RunException>());
    }

    [Test]
    public void Fault_M7_FileOfMoreThanAMebibyte_IsRefused()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Encoding.UTF8.GetBytes("{}" + new string(' ', StrictJson.MaxBytes)));
            Assert.That(() => ModelConfigReader.Read(path),
                Throws.TypeOf<RunException>().With.Message.Contain("at most"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Every base of the table is itself accepted, so each case fails for what it adds.</summary>
    [TestCase(Llama)]
    [TestCase(Qwen2)]
    [TestCase(Gemma)]
    public void Fault_M7_BasesAreAccepted(string family) =>
        Assert.That(() => ModelConfigTests.Parse(Merge(family, "\"use_cache\": true")), Throws.Nothing);

    /// <summary>A member that is there already is replaced: a duplicate would be refused for itself.</summary>
    private static string Merge(string family, string members)
    {
        string key = members[..members.IndexOf(':')];
        IEnumerable<string> kept = family.Split(", ")
            .Where(member => !member.StartsWith(key, StringComparison.Ordinal));
        return "{" + string.Join(", ", kept.Append(members)) + "}";
    }
}
