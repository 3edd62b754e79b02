using System.Diagnostics.CodeAnalysis;
using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>All parameters of a model, in the order in which it declares them, and their memory.</summary>
public sealed class ParameterSet(Backend backend, DType type) : IDisposable
{
    private readonly List<Parameter> _ordered = [];
    private readonly Dictionary<string, Parameter> _byName = new(StringComparer.Ordinal);
    private readonly List<DeviceBuffer> _buffers = [];

    public Backend Backend => backend;

    /// <summary>Type of the values; gradients are F32, and F64 beside F64.</summary>
    public DType Type => type;

    public IReadOnlyList<Parameter> All => _ordered;

    public IEnumerable<Parameter> Trained => _ordered.Where(parameter => parameter.IsTrained);

    /// <summary>Number of scalars.</summary>
    public long Count => _ordered.Sum(parameter => parameter.Value.Length);

    /// <summary>Number of elements that are marked for training.</summary>
    public long TrainedCount => Trained.Sum(parameter => parameter.Value.Length);

    public Parameter this[string name] => _byName[name];

    public bool TryGet(string name, [NotNullWhen(true)] out Parameter? parameter) =>
        _byName.TryGetValue(name, out parameter);

    /// <summary>Declares a parameter with undefined values.</summary>
    public Parameter Add(string name, Shape shape)
    {
        var parameter = new Parameter(backend, name, Reserve(type, shape));
        _byName.Add(name, parameter);
        _ordered.Add(parameter);
        return parameter;
    }

    /// <summary>Gives the chosen parameters a gradient, and takes it from the others.</summary>
    /// <remarks>What is not chosen has no gradient memory, so nothing that trains can reach it.</remarks>
    public void Train(Func<Parameter, bool> choose)
    {
        foreach (Parameter parameter in _ordered)
        {
            if (!choose(parameter))
                parameter.Gradient = Tensor.None;
            else if (!parameter.IsTrained)
            {
                parameter.Gradient = Reserve(type == DType.F64 ? DType.F64 : DType.F32, parameter.Value.Shape);
                parameter.Packed = default;
            }
        }
    }

    public void ClearGradients()
    {
        foreach (Parameter parameter in _ordered)
            parameter.ClearGradient();
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
        _buffers.Clear();
        _ordered.Clear();
        _byName.Clear();
    }

    private Tensor Reserve(DType memoryType, Shape shape)
    {
        DeviceBuffer buffer = backend.Allocate(checked(shape.Length * memoryType.Size()));
        _buffers.Add(buffer);
        return buffer.At(0, memoryType, shape);
    }
}
