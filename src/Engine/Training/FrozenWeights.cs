using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>Checksums of what is frozen, taken at the start: whatever moves it is found.</summary>
internal sealed class FrozenWeights
{
    private readonly ParameterSet _parameters;
    private readonly Dictionary<string, uint> _checksums = new(StringComparer.Ordinal);

    /// <param name="parameters">With their start values, and marked for training.</param>
    public FrozenWeights(ParameterSet parameters)
    {
        _parameters = parameters;
        using var staging = new TensorStaging(parameters.Backend);
        foreach (Parameter parameter in parameters.All.Where(parameter => !parameter.IsTrained))
            _checksums.Add(parameter.Name, staging.Crc(parameter.Value));
    }

    /// <summary>The first frozen parameter that differs from its start; null where none does.</summary>
    public string? FirstMoved()
    {
        using var staging = new TensorStaging(_parameters.Backend);
        return _checksums.FirstOrDefault(start => staging.Crc(_parameters[start.Key].Value) != start.Value).Key;
    }
}
