using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Copies stored parameters into device memory, each number exact or rounded once.</summary>
public sealed class WeightReader(ModelFolder folder, Backend backend) : IDisposable
{
    private readonly TensorStaging _staging = new(backend);

    /// <param name="parameter">Its published name.</param>
    /// <param name="target">Of the parameter's length, in any type that the device computes with; overwritten.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    /// <exception cref="Files.RunException">The file became shorter since it was opened.</exception>
    public long Fill(string parameter, Tensor target) => _staging.Fill(
        folder.StoredType(parameter), (offset, bytes) => folder.Read(parameter, offset, bytes), target);

    public void Dispose() => _staging.Dispose();
}
