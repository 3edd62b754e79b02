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
        string path, Model model, DType type, string? othersFrom = null,
        Func<Parameter, Tensor>? values = null, StopSignal? stop = null)
    {
        using var output = new FolderWriter(path);
        Write(output, model, type, othersFrom, values, stop: stop);
        output.Complete();
    }

    /// <summary>Writes the files of the folder into one that is being written, such as a checkpoint.</summary>
    /// <param name="maxShardBytes">Weights beyond this many bytes go to further files.</param>
    /// <param name="stop">Polled once per parameter.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    /// <inheritdoc cref="Save"/>
    public static long Write(
        FolderOutput output, Model model, DType type, string? othersFrom = null,
        Func<Parameter, Tensor>? values = null, long maxShardBytes = TensorFolderWriter.DefaultShardBytes,
        StopSignal? stop = null)
    {
        WriteConfig(output, model, type);
        using var staging = new TensorStaging(model.Backend);
        TensorEntry[] entries = [.. model.Parameters.All
            .Select(parameter => ParameterLayout.Entry(parameter.Name, type, parameter.Value.Shape))];
        TensorFolderWriter.Write(output, entries, Content, maxShardBytes: maxShardBytes);
        if (othersFrom is not null)
            TensorFolderWriter.CopyOthers(othersFrom, output);
        return staging.NonFiniteWritten;

        void Content(TensorEntry entry, Stream stream)
        {
            stop?.ThrowIfStopRequested($"saving {output.Path}");
            Parameter parameter = model.Parameters[entry.Name];
            staging.Write(values is null ? parameter.Value : values(parameter), type, stream);
        }
    }

    /// <summary>Writes a model that was trained from a folder: every tensor in the type that it has there.</summary>
    /// <remarks>
    /// What is not trained is copied byte for byte, whatever precision it was computed with. F64, which is not trained
    /// in, becomes F32.
    /// </remarks>
    /// <param name="origin">The folder that the model was loaded from.</param>
    /// <param name="values">What to store for a trained parameter, such as its F32 master.</param>
    /// <returns>How many trained numbers are NaN or infinite.</returns>
    /// <exception cref="RunException">Exit code 6: the files could not be written.</exception>
    public static long WriteTrained(
        FolderOutput output, Model model, ModelFolder origin, Func<Parameter, Tensor> values)
    {
        WriteConfig(output, model, TrainedType(model.Parameters.All[0].Name));
        using var staging = new TensorStaging(model.Backend);
        TensorEntry[] entries = [.. model.Parameters.All.Select(parameter => ParameterLayout.Entry(
            parameter.Name,
            parameter.IsTrained ? TrainedType(parameter.Name) : origin.StoredType(parameter.Name),
            parameter.Value.Shape))];
        TensorFolderWriter.Write(output, entries, (entry, stream) =>
        {
            Parameter parameter = model.Parameters[entry.Name];
            if (parameter.IsTrained)
                staging.Write(values(parameter), entry.Type, stream);
            else
                staging.Copy(entry.ByteCount, (at, bytes) => origin.Read(entry.Name, at, bytes), stream);
        });
        return staging.NonFiniteWritten;

        DType TrainedType(string name) => origin.StoredType(name) is var type && type == DType.F64 ? DType.F32 : type;
    }

    private static void WriteConfig(FolderOutput output, Model model, DType type)
    {
        byte[] config = ModelConfigWriter.Write(model.Config, type);
        output.Write(ModelConfigReader.FileName, stream => stream.Write(config), config.Length);
    }
}
