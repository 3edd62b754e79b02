using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Makes the model that a config describes.</summary>
public static class ModelFactory
{
    /// <summary>A model with undefined values in its parameters.</summary>
    /// <param name="type">Type of weights and activations.</param>
    /// <param name="positions">Longest segment that the model will see.</param>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static Model Create(ModelConfig config, Backend backend, DType type, int positions) => config switch
    {
        DecoderConfig decoder => Create(decoder, backend, type, positions),
        EncoderConfig encoder => new XlmRoberta(encoder, backend, type, positions),
        _ => throw new ArgumentException($"No model for {config}."),
    };

    /// <inheritdoc cref="Create(ModelConfig, Backend, DType, int)"/>
    public static CausalModel Create(DecoderConfig config, Backend backend, DType type, int positions) =>
        config.Architecture == Architecture.Gemma3
            ? new Gemma3(config, backend, type, positions)
            : new Llama(config, backend, type, positions);
}
