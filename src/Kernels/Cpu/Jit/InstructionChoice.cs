using Iced.Intel;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Which instructions and registers a family of assembled kernels is made of.</summary>
/// <param name="Name">As profilers show it.</param>
/// <param name="FirstRegister">Vector register 0 of the width used.</param>
/// <param name="Registers">How many there are.</param>
/// <param name="Lanes">Of F32 in one register.</param>
/// <param name="Plus">Element by element.</param>
/// <param name="Add">sum += left · right, one step.</param>
/// <param name="TakesBrain">Whether base and output may be BF16.</param>
internal sealed record InstructionChoice(
    string Name, Register FirstRegister, int Registers, int Lanes, Code Clear, Code Load, Code Store, Code Spread,
    Code Plus, Code Add, bool TakesBrain = false)
{
    public static readonly InstructionChoice Avx2 = new(
        "avx2 f32", Register.YMM0, 16, 8, Code.VEX_Vxorps_ymm_ymm_ymmm256, Code.VEX_Vmovups_ymm_ymmm256,
        Code.VEX_Vmovups_ymmm256_ymm, Code.VEX_Vbroadcastss_ymm_m32, Code.VEX_Vaddps_ymm_ymm_ymmm256,
        Code.VEX_Vfmadd231ps_ymm_ymm_ymmm256);

    public static readonly InstructionChoice Avx512 = new(
        "avx512 f32", Register.ZMM0, 32, 16, Code.EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32, Code.EVEX_Vmovups_zmm_k1z_zmmm512,
        Code.EVEX_Vmovups_zmmm512_k1z_zmm, Code.EVEX_Vbroadcastss_zmm_k1z_xmmm32,
        Code.EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er, Code.EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er);

    /// <summary>
    /// Pairs of BF16: the second product is added to the sum, then the first, each with one rounding.
    /// </summary>
    public static readonly InstructionChoice Bf16 = Avx512 with
    {
        Name = "avx512 bf16",
        Add = Code.EVEX_Vdpbf16ps_zmm_k1z_zmm_zmmm512b32,
        TakesBrain = true,
    };

    public bool HasMasks => Lanes == 16;

    /// <summary>Rows of a tile whose sums, two vectors a row, fit the registers.</summary>
    public int Rows => Registers == 32 ? 14 : 6;
}
