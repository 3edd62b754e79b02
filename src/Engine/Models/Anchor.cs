using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Start values of chosen parameters in device memory, as exact as what trains begins with.</summary>
/// <remarks>
/// In the type of the folder they come from, where F16 and F64, with which devices do not compute, become F32; in BF16
/// where what is updated is BF16 itself. So the distance of unmoved weights from their start is exactly 0.
/// </remarks>
public sealed class Anchor : IDisposable
{
    private readonly Dictionary<string, Tensor> _values = new(StringComparer.Ordinal);
    private readonly List<DeviceBuffer> _buffers = [];

    private Anchor()
    {
    }

    /// <summary>Bytes of device memory that the anchor holds.</summary>
    public long Bytes => _buffers.Sum(buffer => buffer.Bytes);

    /// <param name="parameters">Published names; the others cost nothing.</param>
    /// <param name="updated">Type of what is updated: F32, also where it is the master of a BF16 value.</param>
    /// <param name="stop">Polled once per parameter.</param>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static Anchor Read(
        ModelFolder folder, IEnumerable<string> parameters, DType updated, Backend backend, StopSignal? stop = null)
    {
        var anchor = new Anchor();
        try
        {
            Dictionary<string, Shape> shapes = ParameterLayout.Of(folder.Config)
                .ToDictionary(parameter => parameter.Name, parameter => parameter.Shape, StringComparer.Ordinal);
            using var reader = new WeightReader(folder, backend);
            foreach (string name in parameters)
            {
                stop?.ThrowIfStopRequested($"loading {folder.Path}");
                reader.Fill(name, anchor.Reserve(
                    name, updated == DType.BF16 ? updated : folder.StoredType(name), shapes[name], backend));
            }

            return anchor;
        }
        catch
        {
            anchor.Dispose();
            throw;
        }
    }

    /// <summary>The start values of a parameter; none where it was not asked for.</summary>
    public Tensor Of(string parameter) => _values.GetValueOrDefault(parameter);

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
        _buffers.Clear();
        _values.Clear();
    }

    private Tensor Reserve(string name, DType stored, Shape shape, Backend backend)
    {
        DType type = stored == DType.BF16 ? DType.BF16 : DType.F32;
        DeviceBuffer buffer = backend.Allocate(checked(shape.Length * type.Size()));
        _buffers.Add(buffer);
        Tensor values = buffer.At(0, type, shape);
        _values.Add(name, values);
        return values;
    }
}
