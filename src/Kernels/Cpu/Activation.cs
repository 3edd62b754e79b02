using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>A function of one number that a layer applies, on 16 lanes.</summary>
internal interface IActivation
{
    static abstract Vector512<float> Value(Vector512<float> x);

    /// <summary>The function and its first derivative.</summary>
    static abstract void ValueAndSlope(Vector512<float> x, out Vector512<float> value, out Vector512<float> slope);
}

/// <summary>Activations, gated or alone, over a run of elements; lanes hold neighbours, the tail is masked.</summary>
internal static unsafe class Activation
{
    /// <summary>y[i] = f(gate[i]) · up[i] for i in [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gated<TActivation, TElement>(void* gate, void* up, void* y, long start, long end)
        where TActivation : IActivation
        where TElement : IElement
    {
        long i = start;
        for (; i + 16 <= end; i += 16)
            TElement.Store(TActivation.Value(TElement.Load(gate, i)) * TElement.Load(up, i), y, i);
        int rest = (int)(end - i);
        if (rest > 0)
            TElement.Store(
                TActivation.Value(TElement.Load(gate, i, rest)) * TElement.Load(up, i, rest), y, i, rest);
    }

    /// <summary>dGate[i] += dy[i] · up[i] · f'(gate[i]), dUp[i] += dy[i] · f(gate[i]) for i in [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GatedBackward<TActivation, TElement>(
        void* gate, void* up, void* dy, void* dGate, void* dUp, long start, long end)
        where TActivation : IActivation
        where TElement : IElement
    {
        Vector512<float> value, slope, dOutput;
        long i = start;
        for (; i + 16 <= end; i += 16)
        {
            TActivation.ValueAndSlope(TElement.Load(gate, i), out value, out slope);
            dOutput = TElement.Load(dy, i);
            slope *= TElement.Load(up, i);
            TElement.Store(Vector512.FusedMultiplyAdd(dOutput, slope, TElement.Load(dGate, i)), dGate, i);
            TElement.Store(Vector512.FusedMultiplyAdd(dOutput, value, TElement.Load(dUp, i)), dUp, i);
        }

        int rest = (int)(end - i);
        if (rest == 0)
            return;
        TActivation.ValueAndSlope(TElement.Load(gate, i, rest), out value, out slope);
        dOutput = TElement.Load(dy, i, rest);
        slope *= TElement.Load(up, i, rest);
        TElement.Store(Vector512.FusedMultiplyAdd(dOutput, slope, TElement.Load(dGate, i, rest)), dGate, i, rest);
        TElement.Store(Vector512.FusedMultiplyAdd(dOutput, value, TElement.Load(dUp, i, rest)), dUp, i, rest);
    }

    /// <summary>y[i] = f(x[i]) for i in [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Plain<TActivation, TElement>(void* x, void* y, long start, long end)
        where TActivation : IActivation
        where TElement : IElement
    {
        long i = start;
        for (; i + 16 <= end; i += 16)
            TElement.Store(TActivation.Value(TElement.Load(x, i)), y, i);
        int rest = (int)(end - i);
        if (rest > 0)
            TElement.Store(TActivation.Value(TElement.Load(x, i, rest)), y, i, rest);
    }

    /// <summary>dx[i] (+)= dy[i] · f'(x[i]) for i in [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PlainBackward<TActivation, TElement>(
        void* x, void* dy, void* dx, bool overwrites, long start, long end)
        where TActivation : IActivation
        where TElement : IElement
    {
        Vector512<float> slope, before = Vector512<float>.Zero;
        long i = start;
        for (; i + 16 <= end; i += 16)
        {
            TActivation.ValueAndSlope(TElement.Load(x, i), out _, out slope);
            if (!overwrites)
                before = TElement.Load(dx, i);
            TElement.Store(Vector512.FusedMultiplyAdd(TElement.Load(dy, i), slope, before), dx, i);
        }

        int rest = (int)(end - i);
        if (rest == 0)
            return;
        TActivation.ValueAndSlope(TElement.Load(x, i, rest), out _, out slope);
        if (!overwrites)
            before = TElement.Load(dx, i, rest);
        TElement.Store(Vector512.FusedMultiplyAdd(TElement.Load(dy, i, rest), slope, before), dx, i, rest);
    }
}

/// <content>Shares activations over the workers by blocks of elements.</content>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Elements that elementwise work is shared by, and how many such blocks are worth a worker.</summary>
    private const long ElementBlock = 1024, LeastBlocks = 8;

    /// <summary>Whether a tensor is F32, else BF16.</summary>
    /// <exception cref="ArgumentException">It is neither.</exception>
    private static bool IsSingle(Tensor tensor) => tensor.Type switch
    {
        DType.F32 => true,
        DType.BF16 => false,
        _ => throw new ArgumentException($"The cpu backend computes on F32 and BF16, not on {tensor}."),
    };

    private void Gated<TActivation>(Tensor gate, Tensor up, Tensor y)
        where TActivation : IActivation
    {
        if (IsSingle(y))
            Gated<TActivation, SingleElement>(gate, up, y);
        else
            Gated<TActivation, BrainElement>(gate, up, y);
    }

    private void Gated<TActivation, TElement>(Tensor gate, Tensor up, Tensor y)
        where TActivation : IActivation
        where TElement : IElement
    {
        GatedJob<TActivation, TElement> job = new(
            (void*)gate.Address, (void*)up.Address, (void*)y.Address, y.Length);
        RunElements(job, y.Length);
    }

    private void GatedBackward<TActivation>(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
        where TActivation : IActivation
    {
        if (IsSingle(dy))
            GatedBackward<TActivation, SingleElement>(gate, up, dy, dGate, dUp);
        else
            GatedBackward<TActivation, BrainElement>(gate, up, dy, dGate, dUp);
    }

    private void GatedBackward<TActivation, TElement>(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
        where TActivation : IActivation
        where TElement : IElement
    {
        GatedBackwardJob<TActivation, TElement> job = new(
            (void*)gate.Address, (void*)up.Address, (void*)dy.Address, (void*)dGate.Address, (void*)dUp.Address,
            dy.Length);
        RunElements(job, dy.Length);
    }

    private void RunElements<TJob>(TJob job, long length)
        where TJob : struct, IRangeJob =>
        _pool.RunRange(job, (length + ElementBlock - 1) / ElementBlock, LeastBlocks);

    private readonly struct GatedJob<TActivation, TElement>(void* gate, void* up, void* y, long length) : IRangeJob
        where TActivation : IActivation
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Activation.Gated<TActivation, TElement>(
                gate, up, y, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }

    private readonly struct GatedBackwardJob<TActivation, TElement>(
        void* gate, void* up, void* dy, void* dGate, void* dUp, long length) : IRangeJob
        where TActivation : IActivation
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Activation.GatedBackward<TActivation, TElement>(
                gate, up, dy, dGate, dUp, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }
}
