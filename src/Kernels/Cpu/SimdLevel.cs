using System.Runtime.Intrinsics.X86;
using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu;

/// <summary>Instruction sets that products have kernels for, each including those before it.</summary>
internal enum SimdLevel
{
    /// <summary>Whatever the runtime's portable vectors compile to; also on arm64.</summary>
    Managed,

    /// <summary>AVX2 with fused multiply-add.</summary>
    Avx2,

    /// <summary>AVX-512 F, BW, DQ and VL.</summary>
    Avx512,

    /// <summary>AVX-512 BF16: products of BF16 operands in pairs, otherwise as AVX-512.</summary>
    Bf16,
}

/// <summary>Which instruction set this machine has, and which one is asked for.</summary>
internal static class SimdLevels
{
    /// <summary>Environment variable that forces a level.</summary>
    public const string Variable = "FASTCPT_ISA";

    /// <summary>The best level that products have kernels for here: above managed, code must be made at run
    /// time.</summary>
    public static SimdLevel Best => ExecutableMemory.IsUsable ? OfMachine : SimdLevel.Managed;

    /// <summary>The best level of this machine, as far as the runtime lets it be used.</summary>
    public static SimdLevel OfMachine
    {
        get
        {
            if (!Avx2.IsSupported || !Fma.IsSupported)
                return SimdLevel.Managed;
            if (!Avx512F.VL.IsSupported || !Avx512BW.IsSupported || !Avx512DQ.IsSupported)
                return SimdLevel.Avx2;
            // Leaf 7, subleaf 1, EAX bit 5: AVX512_BF16.
            bool pairs = X86Base.CpuId(0, 0).Eax >= 7 && X86Base.CpuId(7, 0).Eax >= 1
                && (X86Base.CpuId(7, 1).Eax & 1 << 5) != 0;
            return pairs ? SimdLevel.Bf16 : SimdLevel.Avx512;
        }
    }

    public static string NameOf(SimdLevel level) => level switch
    {
        SimdLevel.Managed => "managed",
        SimdLevel.Avx2 => "avx2",
        SimdLevel.Avx512 => "avx512",
        SimdLevel.Bf16 => "bf16",
        _ => throw new ArgumentOutOfRangeException(nameof(level), level, "Unknown instruction set."),
    };

    /// <summary>The level of a name, or the machine's best where nothing is forced.</summary>
    /// <exception cref="DeviceException">There is no such name, or the machine lacks the instruction set.</exception>
    public static SimdLevel Resolve(string? forced)
    {
        if (string.IsNullOrEmpty(forced))
            return Best;
        foreach (SimdLevel level in Enum.GetValues<SimdLevel>())
        {
            if (NameOf(level) != forced)
                continue;
            if (level > Best)
                throw new DeviceException(
                    $"{Variable} asks for '{forced}', but the best here is '{NameOf(Best)}'"
                    + (level <= OfMachine ? ", for the system refuses code made at run time. " : ". ") + "Unset it.");
            return level;
        }

        throw new DeviceException(
            $"{Variable} is '{forced}'; it may be managed, avx2, avx512 or bf16, or unset for the machine's best.");
    }
}
