using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>The optimizer's tensors in a checkpoint: moments, and masters where values are BF16.</summary>
internal static class OptimizerFile
{
    private const string BaseName = "optim";

    /// <returns>How many numbers are NaN or infinite.</returns>
    public static long Write(FolderOutput output, AdamW optimizer, Backend backend) =>
        TensorFile.Write(output, Named(optimizer), backend, BaseName);

    /// <summary>Size of what is written.</summary>
    public static long Bytes(AdamW optimizer) => Named(optimizer).Values.Sum(tensor => tensor.Bytes);

    /// <exception cref="RunException">Exit 4: the file does not hold what the optimizer has.</exception>
    public static void Read(string folder, AdamW optimizer, Backend backend, Action<string> warn) =>
        TensorFile.Read(folder, Named(optimizer), backend, warn, BaseName, "the optimizer");

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
}
