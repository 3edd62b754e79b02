using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>Tensors of memory as a file of a checkpoint, in the types that they have, and back.</summary>
internal static class TensorFile
{
    /// <param name="baseName">Of the file, which ends in .safetensors.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    public static long Write(
        FolderOutput output, IReadOnlyDictionary<string, Tensor> tensors, Backend backend, string baseName)
    {
        using var staging = new TensorStaging(backend);
        TensorFolderWriter.Write(
            output, Entries(tensors), (entry, stream) => staging.Write(tensors[entry.Name], entry.Type, stream),
            baseName);
        return staging.NonFiniteWritten;
    }

    /// <summary>Fills the tensors with what <see cref="Write"/> wrote.</summary>
    /// <param name="owner">Whose they are, in messages.</param>
    /// <exception cref="RunException">Exit 4: the file holds others than these.</exception>
    public static void Read(
        string folder, IReadOnlyDictionary<string, Tensor> tensors, Backend backend, Action<string> warn,
        string baseName, string owner)
    {
        using TensorFolder source = TensorFolder.Open(folder, warn, baseName);
        IReadOnlyList<TensorEntry> extra = source.Require(Entries(tensors), owner);
        if (extra.Count > 0)
            throw new RunException(
                ExitCode.ModelFile,
                $"{folder}: '{extra[0].Name}' belongs to nothing that is trained by {owner}. The checkpoint is of "
                + "another run.");
        using var staging = new TensorStaging(backend);
        foreach ((string name, Tensor tensor) in tensors)
            staging.Fill(
                source.Find(name)!.Type, // Require has seen it
                (offset, bytes) => source.Read(name, offset, bytes), tensor);
    }

    private static TensorEntry[] Entries(IReadOnlyDictionary<string, Tensor> tensors) =>
        [.. tensors.Select(tensor => new TensorEntry(tensor.Key, tensor.Value.Type, Extents(tensor.Value.Shape)))];

    private static long[] Extents(Shape shape) => [.. Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])];
}
