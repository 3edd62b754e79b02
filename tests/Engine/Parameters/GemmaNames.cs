namespace FastCpt.Tests.Engine.Parameters;

/// <summary>Names and sizes of the 444 tensors of gemma-3-4b's text part, from its published shape alone.</summary>
internal static class GemmaNames
{
    public static IEnumerable<(string Name, long Length)> All(
        int layers = 34, long width = 2_560, long queries = 2_048, long keys = 1_024, long head = 256,
        long inner = 10_240, long vocabulary = 262_208)
    {
        yield return ("model.embed_tokens.weight", vocabulary * width);
        for (int i = 0; i < layers; i++)
        {
            string layer = $"model.layers.{i}.";
            yield return (layer + "self_attn.q_proj.weight", queries * width);
            yield return (layer + "self_attn.k_proj.weight", keys * width);
            yield return (layer + "self_attn.v_proj.weight", keys * width);
            yield return (layer + "self_attn.o_proj.weight", width * queries);
            yield return (layer + "self_attn.q_norm.weight", head);
            yield return (layer + "self_attn.k_norm.weight", head);
            foreach (string projection in new[] { "gate", "up", "down" })
                yield return ($"{layer}mlp.{projection}_proj.weight", inner * width);
            foreach (string norm in new[] { "input", "post_attention", "pre_feedforward", "post_feedforward" })
                yield return ($"{layer}{norm}_layernorm.weight", width);
        }
        yield return ("model.norm.weight", width);
    }
}
