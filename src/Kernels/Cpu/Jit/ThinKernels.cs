using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Thin kernels of one element type, assembled once per process when they are first asked for.</summary>
internal sealed unsafe class ThinKernels
{
    private static readonly Lazy<ThinKernels?> OfSingle = new(() => Create(InstructionChoice.Avx512));
    private static readonly Lazy<ThinKernels?> OfPairs = new(() => Create(InstructionChoice.Bf16));

    private readonly nint[] _kernels; // by rows [rows, vectors], then by columns [rows, masked]

    private ThinKernels(nint[] kernels) => _kernels = kernels;

    private static int CountByRows => 2 * ThinCode.RowsByRows;

    /// <summary>Kernels of F32, or of BF16 pairs; none where the level or the system does not have them.</summary>
    public static ThinKernels? Of(SimdLevel level, bool pairs) =>
        pairs ? (level == SimdLevel.Bf16 ? OfPairs.Value : null)
        : level >= SimdLevel.Avx512 ? OfSingle.Value : null;

    /// <param name="rows">1 to <see cref="ThinCode.RowsByRows"/>.</param>
    /// <param name="vectors">1 or 2.</param>
    public void ByRows(int rows, int vectors, ThinTile* tile) => Call(2 * (rows - 1) + vectors - 1, tile);

    /// <param name="rows">1 to <see cref="ThinCode.RowsByColumns"/>.</param>
    public void ByColumns(int rows, bool masked, ThinTile* tile) =>
        Call(CountByRows + 2 * (rows - 1) + (masked ? 1 : 0), tile);

    /// <remarks>Tens of microseconds where a side is long, for which the garbage collector does not wait.</remarks>
    private void Call(int index, ThinTile* tile) =>
        ((delegate* unmanaged<ThinTile*, void>)_kernels[index])(tile);

    /// <summary>What perf shows of a kernel: which side is thin, and its tile.</summary>
    internal static string NameOf(int index)
    {
        const int Lanes = 16;
        if (index < CountByRows)
            return $"by rows {index / 2 + 1}x{(index % 2 + 1) * Lanes}";
        int place = index - CountByRows;
        return $"by columns {place / 2 + 1}x{2 * Lanes}" + (place % 2 > 0 ? " masked" : "");
    }

    private static ThinKernels? Create(InstructionChoice choice)
    {
        const int Alignment = 64;
        MemoryStream code = new();
        nint[] kernels = new nint[CountByRows + 2 * ThinCode.RowsByColumns];
        for (int index = 0; index < kernels.Length; index++)
        {
            code.SetLength((code.Length + Alignment - 1) / Alignment * Alignment);
            kernels[index] = (nint)code.Length;
            code.Position = code.Length;
            bool byRows = index < CountByRows;
            int place = byRows ? index : index - CountByRows, rows = place / 2 + 1;
            code.Write(byRows
                ? new ThinCode(choice, rows).ByRows(place % 2 + 1)
                : new ThinCode(choice, rows).ByColumns(masked: place % 2 > 0));
        }

        nint start = ExecutableMemory.Load(code.GetBuffer().AsSpan(0, (int)code.Length));
        if (start == 0)
            return null;
        for (int index = 0; index < kernels.Length; index++)
        {
            nint end = index + 1 < kernels.Length ? kernels[index + 1] : (nint)code.Length;
            string name = $"fastcpt thin {choice.Name} {NameOf(index)}";
            PerfMap.Add(start + kernels[index], (int)(end - kernels[index]), name);
        }

        for (int index = 0; index < kernels.Length; index++)
            kernels[index] += start;
        return new ThinKernels(kernels);
    }
}
