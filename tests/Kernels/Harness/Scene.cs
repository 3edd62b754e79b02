using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Operands of one op, drawn from a seed: the same values on every device and in every type that holds
/// them.</summary>
/// <remarks>
/// Values are rounded to <paramref name="values"/> and stored as <paramref name="stored"/>. A run in narrow types and
/// its twin in F64 so start from equal numbers, and what differs is the arithmetic.
/// </remarks>
internal sealed class Scene(Device device, Types values, Types stored, int seed = 1)
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<nint, double[]> _drawn = [];

    public Scene(Device device, Types types, int seed = 1)
        : this(device, types, types, seed)
    {
    }

    public Device Device => device;

    public Backend Backend => device.Backend;

    /// <summary>Types in device memory.</summary>
    public Types Types => stored;

    /// <summary>Standard normal activations.</summary>
    public Tensor Activation(params ReadOnlySpan<long> shape) =>
        Keep(Normal(shape), values.Activation, stored.Activation, shape);

    /// <summary>Standard normal weights.</summary>
    public Tensor Weight(params ReadOnlySpan<long> shape) =>
        Keep(Normal(shape), values.Weight, stored.Weight, shape);

    /// <summary>Standard normal numbers of the statistic type: gradients of weights, moments.</summary>
    public Tensor Statistic(params ReadOnlySpan<long> shape) =>
        Keep(Normal(shape), values.Statistic, stored.Statistic, shape);

    /// <summary>Given numbers as activations.</summary>
    public Tensor ActivationOf(double[] numbers, params ReadOnlySpan<long> shape) =>
        Keep(numbers, values.Activation, stored.Activation, shape);

    public Tensor WeightOf(double[] numbers, params ReadOnlySpan<long> shape) =>
        Keep(numbers, values.Weight, stored.Weight, shape);

    public Tensor StatisticOf(double[] numbers, params ReadOnlySpan<long> shape) =>
        Keep(numbers, values.Statistic, stored.Statistic, shape);

    /// <summary>Memory for an output, NaN so far.</summary>
    public Tensor NewActivation(params ReadOnlySpan<long> shape) => device.Empty(stored.Activation, new Shape(shape));

    public Tensor NewStatistic(params ReadOnlySpan<long> shape) => device.Empty(stored.Statistic, new Shape(shape));

    public Tensor Integers(int[] numbers, params ReadOnlySpan<long> shape) =>
        device.Put(numbers, shape.IsEmpty ? new Shape(numbers.Length) : new Shape(shape));

    /// <summary>Integers in [0, bound).</summary>
    public int[] Below(int bound, int count)
    {
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++)
            numbers[i] = _random.Next(bound);
        return numbers;
    }

    /// <summary>The values that an operand of this scene was made with.</summary>
    public double[] Drawn(Tensor tensor) => _drawn[tensor.Address];

    /// <summary>Those values as a matrix [rows, cols].</summary>
    public Matrix Matrix(Tensor tensor) => new(Drawn(tensor), (int)tensor.Rows, (int)tensor.Cols);

    /// <summary>Standard normal numbers (Box and Muller 1958).</summary>
    public double[] Normal(params ReadOnlySpan<long> shape)
    {
        double[] numbers = new double[new Shape(shape).Length];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] =
                Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
        return numbers;
    }

    private Tensor Keep(double[] numbers, DType valueType, DType storedType, ReadOnlySpan<long> shape)
    {
        double[] rounded = Array.ConvertAll(numbers, number => Units.Rounded(number, valueType));
        Tensor tensor = device.Put(rounded, storedType, new Shape(shape));
        _drawn[tensor.Address] = rounded;
        return tensor;
    }
}
