using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Brings a Hugging Face folder into device memory as a model.</summary>
public static class ModelLoader
{
    /// <param name="type">Of weights and activations, whatever type the folder has.</param>
    /// <param name="positions">Longest segment that the model will see.</param>
    /// <param name="warn">Told what is odd: ignored keys and tensors, numbers that are not finite.</param>
    /// <param name="stop">Polled once per parameter.</param>
    /// <exception cref="RunException">Exit code 4: malformed files, or weights that do not fit the config.</exception>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static Model Load(
        string path, Backend backend, DType type, int positions, Action<string> warn, StopSignal? stop = null)
    {
        using ModelFolder folder = ModelFolder.Open(path, warn);
        return Load(folder, backend, type, positions, warn, stop);
    }

    /// <inheritdoc cref="Load(string, Backend, DType, int, Action{string}, StopSignal?)"/>
    public static Model Load(
        ModelFolder folder, Backend backend, DType type, int positions, Action<string> warn, StopSignal? stop = null)
    {
        if (folder.Config is EncoderConfig && positions > folder.Config.LongestSegment)
            throw new RunException(
                ExitCode.ModelFile,
                $"{folder.Path}: the model sees {folder.Config.LongestSegment} positions, but segments of {positions} "
                + "are asked for.");
        Model model = ModelFactory.Create(folder.Config, backend, type, positions);
        try
        {
            using var reader = new WeightReader(folder, backend);
            foreach (Parameter parameter in model.Parameters.All)
            {
                stop?.ThrowIfStopRequested($"loading {folder.Path}");
                long nonFiniteCount = reader.Fill(parameter.Name, parameter.Value);
                if (nonFiniteCount > 0)
                    warn($"{folder.Path}: {nonFiniteCount} of the {parameter.Value.Length} numbers of {parameter.Name} "
                        + "are NaN or infinite. The model cannot be trained as it is.");
            }

            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
