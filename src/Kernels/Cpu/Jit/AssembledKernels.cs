using System.Collections.Concurrent;
using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Micro-kernels assembled once per process: one for each count of rows and of vectors of columns.</summary>
internal sealed unsafe class AssembledKernels : MicroKernels
{
    private const int Vectors = 2;

    private static readonly ConcurrentDictionary<(InstructionChoice, LeftSide), AssembledKernels?> Made = new();

    private readonly nint[] _kernels; // [rows, vectors], both counted from 1
    private readonly int _lanes;

    private AssembledKernels(InstructionChoice choice, nint[] kernels)
        : base(choice.Rows, Vectors * choice.Lanes)
    {
        _kernels = kernels;
        _lanes = choice.Lanes;
        MasksColumns = choice.HasMasks;
    }

    /// <summary>Kernels of F32, or none where the system takes no code.</summary>
    public static AssembledKernels? Single(SimdLevel level, LeftSide left = LeftSide.Packed) => level switch
    {
        SimdLevel.Managed => null,
        SimdLevel.Avx2 => Of(InstructionChoice.Avx2, left),
        _ => Of(InstructionChoice.Avx512, left),
    };

    /// <summary>Kernels of BF16 pairs, or none where the system takes no code.</summary>
    public static AssembledKernels? Pairs(SimdLevel level, LeftSide left = LeftSide.Packed) =>
        level == SimdLevel.Bf16 ? Of(InstructionChoice.Bf16, left) : null;

    public override bool MasksColumns { get; }

    public override void Multiply(int rowCount, int colCount, Tile* tile)
    {
        nint kernel = _kernels[(rowCount - 1) * Vectors + (colCount - 1) / _lanes];
        // About a microsecond each, so the garbage collector may wait for it.
        ((delegate* unmanaged[SuppressGCTransition]<Tile*, void>)kernel)(tile);
    }

    private static AssembledKernels? Of(InstructionChoice choice, LeftSide left) =>
        Made.GetOrAdd((choice, left), key => Create(key.Item1, key.Item2));

    private static AssembledKernels? Create(InstructionChoice choice, LeftSide left)
    {
        const int Alignment = 64;
        int rows = choice.Rows, step = left == LeftSide.Across ? AcrossFloats : rows;
        MemoryStream code = new();
        nint[] kernels = new nint[rows * Vectors];
        int[] lengths = new int[kernels.Length];
        for (int index = 0; index < kernels.Length; index++)
        {
            code.SetLength((code.Length + Alignment - 1) / Alignment * Alignment);
            kernels[index] = (nint)code.Length;
            code.Position = code.Length;
            code.Write(
                new KernelCode(choice, index / Vectors + 1, index % Vectors + 1, left, step, Vectors).Assemble());
            lengths[index] = (int)(code.Length - kernels[index]);
        }

        nint start = ExecutableMemory.Load(code.GetBuffer().AsSpan(0, (int)code.Length));
        if (start == 0)
            return null;
        for (int index = 0; index < kernels.Length; index++)
        {
            kernels[index] += start;
            string tile = $"{index / Vectors + 1}x{(index % Vectors + 1) * choice.Lanes}";
            string name = left switch
            {
                LeftSide.Packed => "product",
                LeftSide.InRows => "product in rows",
                _ => "product across",
            };
            PerfMap.Add(kernels[index], lengths[index], $"fastcpt {name} {choice.Name} {tile}");
        }

        return new AssembledKernels(choice, kernels);
    }
}
