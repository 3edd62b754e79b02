using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Bench.Kernels;

/// <summary>One op of the contract on one backend, at shapes of real layers, in one type.</summary>
public abstract class OpBench
{
    private readonly Random _random = new(1);
    private Arena? _arena;

    /// <summary>Every usable backend; the reference, which takes seconds where others take milliseconds, on
    /// request.</summary>
    public static IEnumerable<string> Devices => Backends.List()
        .Where(backend => backend.Reason is null && (backend.Name != "reference" || BenchArguments.WithReference))
        .Select(backend => backend.Name);

    [ParamsSource(nameof(Devices))]
    public string Device { get; set; } = "cpu";

    /// <summary>Of activations and weights.</summary>
    [Params(DType.F32, DType.BF16)]
    public DType Type { get; set; }

    /// <summary>What the device could do right after a case, by <see cref="Case"/>.</summary>
    internal static ConcurrentDictionary<string, DeviceLimits> Limits { get; } = new();

    /// <summary>Sees every call where it is set before <see cref="Open"/>.</summary>
    public OpProfile? Profile { get; set; }

    protected Backend Backend { get; private set; } = null!; // set before a benchmark runs

    [GlobalSetup]
    public void Open()
    {
        Backend = Backends.Open(Device);
        if (Profile is not null)
            Backend = new ProfilingBackend(Backend, Profile);
        _arena = new Arena(Backend);
        Prepare();
        Backend.Synchronize();
    }

    [GlobalCleanup]
    public void Close()
    {
        if (Profile is null) // of a profiled case only the counts are wanted
            Limits[Case()] = Backend.MeasureLimits();
        _arena?.Dispose();
        Backend.Dispose();
    }

    /// <summary>The bench and its parameters; its methods run one after the other and share a limit.</summary>
    internal string Case()
    {
        Type bench = GetType();
        while (bench.Assembly != typeof(OpBench).Assembly)
            bench = bench.BaseType!; // benches run as generated types derived from ours
        return $"{bench.Name} {ShapeName} {Device} {Type}";
    }

    /// <summary>What one call of a benchmark method does.</summary>
    public abstract Work WorkOf(string method);

    protected virtual string ShapeName => "";

    /// <summary>Makes the operands.</summary>
    protected abstract void Prepare();

    /// <summary>Uniform numbers in [-0.5, 0.5) of the bench's type.</summary>
    protected Tensor Drawn(params ReadOnlySpan<long> shape) => Drawn(Type, shape);

    protected Tensor Drawn(DType type, ReadOnlySpan<long> shape)
    {
        Tensor tensor = Take(type, shape);
        if (type == DType.F32)
            Backend.Upload(MemoryMarshal.AsBytes<float>(Numbers(tensor.Length, n => (float)n)), tensor);
        else
            Backend.Upload(MemoryMarshal.AsBytes<ushort>(Numbers(tensor.Length, Bf16.FromDouble)), tensor);
        return tensor;
    }

    /// <summary>Such numbers of the type of sums and weight gradients.</summary>
    protected Tensor Statistic(params ReadOnlySpan<long> shape) => Drawn(DType.F32, shape);

    /// <summary>A tensor of ones.</summary>
    protected Tensor Ones(DType type, params ReadOnlySpan<long> shape)
    {
        Tensor tensor = Take(type, shape);
        Backend.Fill(1, tensor);
        return tensor;
    }

    /// <summary>Integers in [0, bound).</summary>
    protected Tensor Integers(long count, int bound)
    {
        int[] numbers = new int[count];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = _random.Next(bound);
        return Put(numbers, count);
    }

    protected Tensor Put(int[] numbers, params ReadOnlySpan<long> shape)
    {
        Tensor tensor = Take(DType.I32, shape);
        Backend.Upload(MemoryMarshal.AsBytes<int>(numbers), tensor);
        return tensor;
    }

    protected Tensor Take(DType type, ReadOnlySpan<long> shape) => _arena!.Take(type, new Shape(shape)); // set by Open

    private T[] Numbers<T>(long count, Func<double, T> convert)
    {
        T[] numbers = new T[count];
        for (long i = 0; i < count; i++)
            numbers[i] = convert(_random.NextDouble() - 0.5);
        return numbers;
    }
}

/// <summary>An op bench with shapes of its own, which the public property Shapes of each bench lists.</summary>
public abstract class OpBench<TShape> : OpBench
    where TShape : struct
{
    [ParamsSource("Shapes")]
    public TShape Shape { get; set; }

    protected override string ShapeName => $"{Shape}";
}
