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
        Backend backend = parameters.Backend;
        Copy[] copies = [.. Copies(parameters, linears, rows)];
        Bytes = copies.Sum(copy => copy.Bytes);
        if (Bytes == 0)
            return;
        // One block, so that it lies in large pages.
        _buffer = backend.Allocate(Bytes);
        long offset = 0;
        foreach (Copy copy in copies.Where(copy => copy.Length > 0))
        {
            Tensor packed = _buffer.At(offset, DType.F32, new Shape(copy.Length));
            backend.PackWeight(copy.Weight.Value, copy.Side, packed);
            copy.Weight.Packed = copy.Side == WeightSide.Forward
                ? copy.Weight.Packed with { Forward = packed }
                : copy.Weight.Packed with { Backward = packed };
            _packed.Add(copy.Weight);
            offset += copy.Bytes;
        }
    }

    /// <summary>Memory that the copies of both sides would take.</summary>
    public static long MostBytes(ParameterSet parameters, IEnumerable<Linear> linears) =>
        Copies(parameters, linears, rows: 1).Sum(copy => copy.Bytes);

    /// <summary>Memory of all copies.</summary>
    public long Bytes { get; private set; }

    public void Dispose()
    {
        foreach (Parameter parameter in _packed)
            parameter.Packed = default;
        _packed.Clear();
        _buffer?.Dispose();
    }

    private static IEnumerable<Copy> Copies(ParameterSet parameters, IEnumerable<Linear> linears, long rows)
    {
        if (rows > MostRows)
            yield break;
        foreach ((Parameter weight, bool backward) in Frozen(parameters, linears))
        {
            if (rows <= MostForwardRows)
                yield return Of(weight, WeightSide.Forward);
            if (backward)
                yield return Of(weight, WeightSide.Backward);
        }

        Copy Of(Parameter weight, WeightSide side) =>
            new(weight, side, parameters.Backend.PackedFloats(weight.Value, side));
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

    /// <param name="Length">In floats; 0 where the backend packs nothing.</param>
    private readonly record struct Copy(Parameter Weight, WeightSide Side, long Length)
    {
        public long Bytes => checked(Length * sizeof(float) + Backend.Alignment - 1) / Backend.Alignment
            * Backend.Alignment;
    }
}
