using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>The optimizer's tensors in a checkpoint: moments, and masters where values are BF16.</summary>
internal static class OptimizerFile
{
    private const string BaseName = "optim";

    /// <returns>How many numbers are NaN or infinite.</returns>
    public static long Write(FolderOutput output, AdamW optimizer, Backend backend)
    {
        Dictionary<string, Tensor> tensors = Named(optimizer);
        using var staging = new TensorStaging(backend);
        TensorFolderWriter.Write(
            output,
            [.. tensors.Select(tensor => new TensorEntry(tensor.Key, tensor.Value.Type, Extents(tensor.Value.Shape)))],
            (entry, stream) => staging.Write(tensors[entry.Name], entry.Type, stream),
            BaseName);
        return staging.NonFiniteWritten;
    }

    /// <summary>Size of what is written.</summary>
    public static long Bytes(AdamW optimizer) => Named(optimizer).Values.Sum(tensor => tensor.Bytes);

    /// <exception cref="RunException">Exit 4: the file does not hold what the optimizer has.</exception>
    public static void Read(string folder, AdamW optimizer, Backend backend, Action<string> warn)
    {
        Dictionary<string, Tensor> tensors = Named(optimizer);
        using TensorFolder source = TensorFolder.Open(folder, warn, BaseName);
        IReadOnlyList<TensorEntry> extra = source.Require(
            [.. tensors.Select(tensor => new TensorEntry(tensor.Key, tensor.Value.Type, Extents(tensor.Value.Shape)))],
            "the optimizer");
        if (extra.Count > 0)
            throw new RunException(
                ExitCode.ModelFile,
                $"{folder}: the optimizer state of '{extra[0].Name}' belongs to nothing that is trained. The "
                + "checkpoint is of another run.");
        using var staging = new TensorStaging(backend);
        foreach ((string name, Tensor tensor) in tensors)
            staging.Fill(
                source.Find(name)!.Type, // Require has seen it
                (offset, bytes) => source.Read(name, offset, bytes), tensor);
    }

    private static Dictionary<string, Tensor> Named(AdamW optimizer)
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (AdamW.State state in optimizer.States)
        {
            tensors.Add($"{state.Parameter.Name}.first_moment", state.FirstMoment);
            tensors.Add($"{state.Parameter.Name}.second_moment", state.SecondMoment);
            if (state.HasMaster)
                tensors.Add($"{state.Parameter.Name}.master", state.Master);
        }

        return tensors;
    }

    private static long[] Extents(Shape shape) => [.. Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])];
}
