using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>Packed copies of frozen linear weights, for as long as a training loop runs.</summary>
/// <remarks>
/// Every product packs its weight, in time that does not depend on its rows: where those are few, and the weights stay
/// as they are, copies save it. Nobody writes a frozen weight while its copies live; marking it for training takes them
/// from it.
/// </remarks>
public sealed class PackedWeights : IDisposable
{
    /// <summary>Most rows of a pass for which copies are worth their memory.</summary>
    public const int MostRows = 512;

    /// <summary>The same of copies for x Wᵀ, which is quicker to pack for: dy W has the weight turned.</summary>
    public const int MostForwardRows = 256;

    private readonly List<Parameter> _packed = [];
    private readonly DeviceBuffer? _buffer;

    /// <param name="parameters">All of a model, marked for training.</param>
    /// <param name="linears">Its linear layers, with their adapters.</param>
    /// <param name="rows">Tokens of a pass; beyond <see cref="MostForwardRows"/> only what gradients go through is
    /// packed, beyond <see cref="MostRows"/> nothing.</param>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public PackedWeights(ParameterSet parameters, IEnumerable<Linear> linears, long rows)
    {
        if (rows > MostRows)
            return;
        Backend backend = parameters.Backend;
        List<Copy> copies = [];
        foreach ((Parameter weight, bool backward) in Frozen(parameters, linears))
        {
            if (rows <= MostForwardRows)
                Bytes += Add(weight, WeightSide.Forward);
            if (backward)
                Bytes += Add(weight, WeightSide.Backward);
        }

        if (Bytes == 0)
            return;
        // One block, so that it lies in large pages.
        _buffer = backend.Allocate(Bytes);
        foreach (Copy copy in copies)
        {
            Tensor packed = _buffer.At(copy.Offset, DType.F32, new Shape(copy.Length));
            backend.PackWeight(copy.Weight.Value, copy.Side, packed);
            copy.Weight.Packed = copy.Side == WeightSide.Forward
                ? copy.Weight.Packed with { Forward = packed }
                : copy.Weight.Packed with { Backward = packed };
            _packed.Add(copy.Weight);
        }

        long Add(Parameter weight, WeightSide side)
        {
            long length = backend.PackedFloats(weight.Value, side);
            if (length > 0)
                copies.Add(new Copy(weight, side, Bytes, length));
            return checked(length * sizeof(float) + Backend.Alignment - 1) / Backend.Alignment * Backend.Alignment;
        }
    }

    /// <param name="Offset">In bytes.</param>
    /// <param name="Length">In floats.</param>
    private readonly record struct Copy(Parameter Weight, WeightSide Side, long Offset, long Length);

    /// <summary>Memory of all copies.</summary>
    public long Bytes { get; private set; }

    public void Dispose()
    {
        foreach (Parameter parameter in _packed)
            parameter.Packed = default;
        _packed.Clear();
        _buffer?.Dispose();
    }

    /// <summary>Frozen weights, and whether a gradient may go through them: something before them, or their adapter,
    /// trains.</summary>
    private static IEnumerable<(Parameter Weight, bool Backward)> Frozen(
        ParameterSet parameters, IEnumerable<Linear> linears)
    {
        ILookup<Parameter, Linear> layers = linears.ToLookup(linear => linear.Weight);
        bool trains = false;
        foreach (Parameter parameter in parameters.All)
        {
            trains |= parameter.IsTrained || layers[parameter].Any(linear => linear.IsTrained);
            if (!layers.Contains(parameter) || parameter.IsTrained)
                continue;
            if (parameter.Packed != default)
                throw new InvalidOperationException($"{parameter} is packed already.");
            yield return (parameter, trains);
        }
    }
}
