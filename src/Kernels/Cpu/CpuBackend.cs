using System.Globalization;
using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu;

/// <summary>Vectorised kernels on host memory, their rows shared by a pool of workers of its own.</summary>
/// <remarks>
/// Activations and weights are F32 or BF16; F64 is refused. Ops are done when they return. One caller at a time.
/// A kernel is a static method over a range of rows, generic over the element types; this class picks the types and
/// splits the rows.
/// </remarks>
public sealed unsafe partial class CpuBackend : Backend
{
    /// <summary>Environment variable that says how many workers there are.</summary>
    public const string ThreadsVariable = "FASTCPT_THREADS";

    private const int MostThreads = 1024;

    private readonly SimdLevel _level;
    private readonly WorkerPool _pool;
    private readonly Gemm _gemm;
    private readonly AttentionProducts _attentionSingles;
    private readonly AttentionProducts? _attentionPairs;
    private readonly ThinProducts _thin;
    private readonly Scratch[] _scratch, _workerScratch;
    private readonly RowTerms _rowTerms = new(), _secondRowTerms = new();

    /// <param name="threads">Workers; 0 takes FASTCPT_THREADS, else every core.</param>
    /// <param name="instructionSet">managed, avx2, avx512 or bf16; null takes FASTCPT_ISA, else the best.</param>
    /// <exception cref="DeviceException">The machine lacks the instruction set, or a variable makes no
    /// sense.</exception>
    public CpuBackend(int threads = 0, string? instructionSet = null)
    {
        _level = SimdLevels.Resolve(instructionSet ?? Environment.GetEnvironmentVariable(SimdLevels.Variable));
        _pool = new WorkerPool(ThreadCount(threads));
        _gemm = new Gemm(_pool, _level);
        _attentionSingles = AttentionProducts.Singles(_level);
        _attentionPairs = AttentionProducts.Pairs(_level);
        _thin = new ThinProducts(_pool, _level);
        _scratch = Scratch.Several(Enum.GetValues<ScratchUse>().Length);
        _workerScratch = Scratch.Several(_pool.Workers);
    }

    public override string Name => "cpu";

    public override string InstructionSet => SimdLevels.NameOf(_level);

    public override string? Caveat => SimdLevels.OfMachine > SimdLevel.Managed && !ExecutableMemory.IsUsable
        ? "the system refuses code made at run time, so the managed kernels serve, which are slower"
        : null;

    public override int Threads => _pool.Workers;

    /// <summary>Most workers that shared a job since this was set.</summary>
    internal int WorkersUsed
    {
        get => _pool.WorkersUsed;
        set => _pool.WorkersUsed = value;
    }

    /// <summary>Working memory held beside tensors.</summary>
    internal long ScratchBytes =>
        _gemm.ScratchBytes + _thin.ScratchBytes + Scratch.Total(_scratch) + Scratch.Total(_workerScratch);

    public override void Synchronize()
    {
    }

    protected internal override nint AllocateMemory(long bytes) => AlignedMemory.Allocate(bytes);

    protected internal override void FreeMemory(nint address, long bytes) => AlignedMemory.Free(address);

    protected internal override void UploadMemory(ReadOnlySpan<byte> source, nint target) =>
        source.CopyTo(new Span<byte>((void*)target, source.Length));

    protected internal override void DownloadMemory(nint source, Span<byte> target) =>
        new ReadOnlySpan<byte>((void*)source, target.Length).CopyTo(target);

    protected override void Dispose(bool disposing)
    {
        _pool.Dispose();
        _gemm.Dispose();
        _thin.Dispose();
        foreach (Scratch scratch in _scratch)
            scratch.Dispose();
        foreach (Scratch scratch in _workerScratch)
            scratch.Dispose();
    }

    /// <summary>Working memory of an op; it stays until the same use asks for more.</summary>
    private void* ScratchOf(ScratchUse use, long bytes) => _scratch[(int)use].AtLeast(bytes);

    /// <summary>Working memory of an op as a tensor.</summary>
    private Tensor ScratchTensor(ScratchUse use, DType type, long rows, long cols)
    {
        Shape shape = new(rows, cols);
        return new Tensor((nint)ScratchOf(use, shape.Length * type.Size()), type, shape);
    }

    /// <summary>Working memory of one worker for one op; nothing survives into the next op.</summary>
    private void* WorkerScratch(int worker, long bytes) => _workerScratch[worker].AtLeast(bytes);

    private static int ThreadCount(int asked)
    {
        if (asked < 0 || asked > MostThreads)
            throw new DeviceException(
                    $"{asked} threads are asked for; 1 to {MostThreads} are possible, 0 for all cores.");
        if (asked > 0)
            return asked;
        string? variable = Environment.GetEnvironmentVariable(ThreadsVariable);
        if (string.IsNullOrEmpty(variable))
            return Math.Min(Environment.ProcessorCount, MostThreads);
        bool whole = int.TryParse(variable, NumberStyles.None, CultureInfo.InvariantCulture, out int threads);
        if (!whole || threads < 1 || threads > MostThreads)
            throw new DeviceException(
                $"{ThreadsVariable} is '{variable}'; a whole number from 1 to {MostThreads} is needed, or unset it.");
        return threads;
    }
}
