using FastCpt.Kernels;

namespace FastCpt.Engine.Training.Slots;

/// <summary>A copy of what trains, to go back to: of F32 masters where there are any.</summary>
internal sealed class WeightSnapshot : IDisposable
{
    private readonly Backend _backend;
    private readonly List<(AdamW.State State, Tensor Copy)> _copies = [];
    private readonly List<DeviceBuffer> _buffers = [];

    /// <param name="states">Of what is copied; nothing is copied yet.</param>
    public WeightSnapshot(Backend backend, IEnumerable<AdamW.State> states)
    {
        _backend = backend;
        foreach (AdamW.State state in states)
        {
            DeviceBuffer buffer = backend.Allocate(state.Master.Bytes);
            _buffers.Add(buffer);
            _copies.Add((state, buffer.At(0, state.Master.Type, state.Master.Shape)));
        }
    }

    /// <summary>What each state trains, as it was; anything before it is taken.</summary>
    public IReadOnlyList<(AdamW.State State, Tensor Copy)> Copies => _copies;

    public void Take()
    {
        foreach (var (state, copy) in _copies)
            _backend.Convert(state.Master, copy);
    }

    public void Restore()
    {
        foreach (var (state, copy) in _copies)
        {
            _backend.Convert(copy, state.Master);
            if (state.HasMaster)
                _backend.Convert(copy, state.Parameter.Value);
        }
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
        _buffers.Clear();
        _copies.Clear();
    }
}
