using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Writes a model as a Hugging Face folder: config.json, weights, and the files that came with it.</summary>
/// <remarks>The same values give the same bytes. A tied head is not stored twice.</remarks>
public static class ModelSaver
{
    /// <summary>Writes a folder that is there completely or not at all.</summary>
    /// <param name="path">The folder; it must not exist, but its parent must.</param>
    /// <param name="type">Of the stored weights, F32 or BF16; each number is rounded at most once.</param>
    /// <param name="othersFrom">Folder whose tokenizer and other files are copied unchanged; null for none.</param>
    /// <param name="values">What to store for a parameter, such as its F32 master; null for its value.</param>
    /// <exception cref="RunException">Exit code 6: the folder could not be written.</exception>
    public static void Save(
        string path, CausalModel model, DType type, string? othersFrom = null,
        Func<Parameter, Tensor>? values = null, StopSignal? stop = null)
    {
        using var output = new FolderWriter(path);
        Write(output, model, type, othersFrom, values, stop: stop);
        output.Complete();
    }

    /// <summary>Writes the files of the folder into one that is being written, such as a checkpoint.</summary>
    /// <param name="maxShardBytes">Weights beyond this many bytes go to further files.</param>
    /// <param name="stop">Polled once per parameter.</param>
    /// <inheritdoc cref="Save"/>
    public static void Write(
        FolderWriter output, CausalModel model, DType type, string? othersFrom = null,
        Func<Parameter, Tensor>? values = null, long maxShardBytes = TensorFolderWriter.DefaultShardBytes,
        StopSignal? stop = null)
    {
        byte[] config = ModelConfigWriter.Write(model.Config, type);
        output.Write(ModelConfigReader.FileName, stream => stream.Write(config), config.Length);
        using var staging = new TensorStaging(model.Backend);
        TensorEntry[] entries = [.. model.Parameters.All
            .Select(parameter => ParameterLayout.Entry(parameter.Name, type, parameter.Value.Shape))];
        TensorFolderWriter.Write(output, entries, Content, maxShardBytes: maxShardBytes);
        if (othersFrom is not null)
            TensorFolderWriter.CopyOthers(othersFrom, output);

        void Content(TensorEntry entry, Stream stream)
        {
            stop?.ThrowIfStopRequested($"saving {output.Path}");
            Parameter parameter = model.Parameters[entry.Name];
            staging.Write(values is null ? parameter.Value : values(parameter), type, stream);
        }
    }
}
