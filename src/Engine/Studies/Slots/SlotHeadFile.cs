using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The head of a whole model, beside the encoder's weights: head.safetensors.</summary>
internal static class SlotHeadFile
{
    public const string FileName = $"{BaseName}.safetensors";

    private const string BaseName = "head";

    /// <summary>Whether a folder holds a head.</summary>
    public static bool IsAt(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <param name="type">Of the stored numbers.</param>
    /// <param name="valueOf">What is stored of a parameter.</param>
    public static void Write(
        FolderOutput output, ParameterSet head, DType type, Func<Parameter, Tensor> valueOf)
    {
        using var staging = new TensorStaging(head.Backend);
        TensorFolderWriter.Write(
            output,
            [.. head.All.Select(parameter => ParameterLayout.Entry(parameter.Name, type, parameter.Value.Shape))],
            (entry, stream) => staging.Write(valueOf(head[entry.Name]), entry.Type, stream), BaseName);
        if (staging.NonFiniteWritten > 0)
            throw new RunException(
                ExitCode.Numerics, $"{output.Path}: {staging.NonFiniteWritten} numbers of the head are not finite.");
    }

    /// <exception cref="RunException">Exit 4: the file is missing, malformed, or of other labels.</exception>
    /// <param name="targetOf">What a parameter's numbers are read into; its value if not given.</param>
    public static void Read(string folder, ParameterSet head, Func<Parameter, Tensor>? targetOf = null)
    {
        using TensorFolder stored = TensorFolder.Open(folder, _ => { }, BaseName);
        using var staging = new TensorStaging(head.Backend);
        foreach (Parameter parameter in head.All)
        {
            TensorEntry? entry = stored.Find(parameter.Name);
            Shape shape = parameter.Value.Shape;
            if (entry is null || !entry.Shape.SequenceEqual(
                Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])))
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{folder}: {FileName} has {(entry is null ? $"no {parameter.Name}" : $"{entry}")}, "
                    + $"expected {parameter}. It may be of other labels.");
            if (staging.Fill(
                entry.Type, (offset, bytes) => stored.Read(entry.Name, offset, bytes),
                targetOf is null ? parameter.Value : targetOf(parameter)) > 0)
                throw new RunException(ExitCode.ModelFile, $"{folder}: numbers of {entry} are not finite.");
        }
    }
}
