using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Makes the decoder that a config describes.</summary>
public static class ModelFactory
{
    /// <summary>A model with undefined values in its parameters.</summary>
    /// <param name="type">Type of weights and activations.</param>
    /// <param name="positions">Longest row that the model will see.</param>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static CausalModel Create(ModelConfig config, Backend backend, DType type, int positions) =>
        config.Architecture == Architecture.Gemma3
            ? new Gemma3(config, backend, type, positions)
            : new Llama(config, backend, type, positions);
}
