using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Walks through the weights of a llama2.c file in their order and fills a model with them.</summary>
internal sealed class Llama2cWeights(InputFile file, long start, CausalModel model) : IDisposable
{
    private readonly TensorStaging _staging = new(model.Backend);
    private long _offset = start;

    public void Fill()
    {
        DecoderConfig config = model.Config;
        Take(ParameterLayout.Embedding);
        TakeEach("input_layernorm");
        TakeEach("self_attn.q_proj", config.HeadSize);
        TakeEach("self_attn.k_proj", config.HeadSize);
        TakeEach("self_attn.v_proj");
        TakeEach("self_attn.o_proj");
        TakeEach("post_attention_layernorm");
        TakeEach("mlp.gate_proj");
        TakeEach("mlp.down_proj");
        TakeEach("mlp.up_proj");
        Take("model.norm.weight");
        _offset += (long)config.MaxPositions * config.HeadSize * sizeof(float);
        if (!config.TiedHead)
            Take(ParameterLayout.Head);
    }

    public void Dispose() => _staging.Dispose();

    /// <summary>One kind of weight, which the file holds for all layers in a row.</summary>
    /// <param name="headSize">Rows of a head that are reordered; 0 where rows stay in their order.</param>
    private void TakeEach(string part, int headSize = 0)
    {
        for (int layer = 0; layer < model.Config.Layers; layer++)
        {
            string name = $"model.layers.{layer}.{part}.weight";
            if (headSize == 0)
                Take(name);
            else
                TakeHeads(name, headSize);
        }
    }

    private void Take(string name) => Take(model.Parameters[name].Value, ref _offset);

    /// <summary>Row 2i of a head becomes row i, row 2i + 1 becomes row i + D/2.</summary>
    private void TakeHeads(string name, int headSize)
    {
        Tensor weight = model.Parameters[name].Value;
        for (long row = 0; row < weight.Rows; row++)
        {
            long head = row / headSize, half = row % headSize / 2, odd = row % 2;
            Take(weight.Slice(head * headSize + half + odd * headSize / 2, 1), ref _offset);
        }
    }

    private void Take(Tensor target, ref long offset)
    {
        long first = offset;
        _staging.Fill(DType.F32, (at, bytes) => file.Read(first + at, bytes), target);
        offset += target.Length * sizeof(float);
    }
}
