using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training.Slots;

/// <summary>A copy of what trains, to go back to.</summary>
internal sealed class WeightSnapshot : IDisposable
{
    private readonly Backend _backend;
    private readonly List<(Tensor Value, Tensor Copy)> _pairs = [];
    private readonly List<DeviceBuffer> _buffers = [];

    /// <param name="parameters">Those whose values are copied; nothing is copied yet.</param>
    public WeightSnapshot(Backend backend, IEnumerable<Parameter> parameters)
    {
        _backend = backend;
        foreach (Parameter parameter in parameters)
        {
            DeviceBuffer buffer = backend.Allocate(parameter.Value.Bytes);
            _buffers.Add(buffer);
            _pairs.Add((parameter.Value, buffer.At(0, parameter.Value.Type, parameter.Value.Shape)));
        }
    }

    public void Take()
    {
        foreach (var (value, copy) in _pairs)
            _backend.Convert(value, copy);
    }

    public void Restore()
    {
        foreach (var (value, copy) in _pairs)
            _backend.Convert(copy, value);
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
        _buffers.Clear();
        _pairs.Clear();
    }
}
