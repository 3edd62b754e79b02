using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>Draws the weights of a fresh model: matrices normally distributed, norms as identities, biases 0.</summary>
/// <remarks>A value depends on the seed, the parameter's name and the element alone.</remarks>
public static class ModelInitializer
{
    public static void Draw(Model model, ulong seed)
    {
        bool offsetNorms = model.Config is DecoderConfig { Architecture: Architecture.Gemma3 };
        foreach (Parameter parameter in model.Parameters.All)
        {
            if (parameter.Value.Shape.Rank >= 2)
                RandomValues.Normal(parameter, model.Backend, seed, model.Config.InitializerRange);
            else if (parameter.Name.EndsWith("norm.weight", StringComparison.OrdinalIgnoreCase) && !offsetNorms)
                model.Backend.Fill(1, parameter.Value);
            else
                model.Backend.Fill(0, parameter.Value);
        }

        if (model.Config is not EncoderConfig encoder)
            return;
        // As the published library does: what stands for padding says nothing.
        foreach (string table in (string[])[EncoderLayout.Words, EncoderLayout.Positions])
            model.Backend.Fill(0, model.Parameters[table].Value.Slice(encoder.Padding, 1));
    }
}
