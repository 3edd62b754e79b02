using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Micro-kernels assembled once per process: one for each count of rows and of vectors of columns.</summary>
internal sealed unsafe class AssembledKernels : MicroKernels
{
    private const int Vectors = 2;

    private static readonly Lazy<AssembledKernels?> OfAvx2 = new(() => Create(InstructionChoice.Avx2, 6));
    private static readonly Lazy<AssembledKernels?> OfAvx512 = new(() => Create(InstructionChoice.Avx512, 14));
    private static readonly Lazy<AssembledKernels?> OfBf16 = new(() => Create(InstructionChoice.Bf16, 14));

    private readonly nint[] _kernels; // [rows, vectors], both counted from 1
    private readonly int _lanes;

    private AssembledKernels(InstructionChoice choice, int rows, nint[] kernels)
        : base(rows, Vectors * choice.Lanes)
    {
        _kernels = kernels;
        _lanes = choice.Lanes;
        MasksColumns = choice.HasMasks;
    }

    /// <summary>Kernels of F32, or none where the system takes no code.</summary>
    public static AssembledKernels? Single(SimdLevel level) => level switch
    {
        SimdLevel.Managed => null,
        SimdLevel.Avx2 => OfAvx2.Value,
        _ => OfAvx512.Value,
    };

    /// <summary>Kernels of BF16 pairs, or none where the system takes no code.</summary>
    public static AssembledKernels? Pairs(SimdLevel level) => level == SimdLevel.Bf16 ? OfBf16.Value : null;

    public override bool MasksColumns { get; }

    public override void Multiply(int rowCount, int colCount, Tile* tile)
    {
        nint kernel = _kernels[(rowCount - 1) * Vectors + (colCount - 1) / _lanes];
        // About a microsecond each, so the garbage collector may wait for it.
        ((delegate* unmanaged[SuppressGCTransition]<Tile*, void>)kernel)(tile);
    }

    private static AssembledKernels? Create(InstructionChoice choice, int rows)
    {
        const int Alignment = 64;
        MemoryStream code = new();
        nint[] kernels = new nint[rows * Vectors];
        int[] lengths = new int[kernels.Length];
        for (int index = 0; index < kernels.Length; index++)
        {
            code.SetLength((code.Length + Alignment - 1) / Alignment * Alignment);
            kernels[index] = (nint)code.Length;
            code.Position = code.Length;
            code.Write(new KernelCode(choice, index / Vectors + 1, index % Vectors + 1, rows, Vectors).Assemble());
            lengths[index] = (int)(code.Length - kernels[index]);
        }

        nint start = ExecutableMemory.Load(code.GetBuffer().AsSpan(0, (int)code.Length));
        if (start == 0)
            return null;
        for (int index = 0; index < kernels.Length; index++)
        {
            kernels[index] += start;
            string tile = $"{index / Vectors + 1}x{(index % Vectors + 1) * choice.Lanes}";
            PerfMap.Add(kernels[index], lengths[index], $"fastcpt product {choice.Name} {tile}");
        }

        return new AssembledKernels(choice, rows, kernels);
    }
}
