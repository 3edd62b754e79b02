using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Names of element types in safetensors headers.</summary>
internal static class SafeTensorsType
{
    public const string All = "F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL";

    /// <returns>Null for types that are not read: F8_*, F4, F6_*, C64, U16 to U64, or no type at all.</returns>
    public static DType? Parse(string name) => name switch
    {
        "F64" => DType.F64,
        "F32" => DType.F32,
        "F16" => DType.F16,
        "BF16" => DType.BF16,
        "I64" => DType.I64,
        "I32" => DType.I32,
        "I16" => DType.I16,
        "I8" => DType.I8,
        "U8" => DType.U8,
        "BOOL" => DType.Bool,
        _ => null,
    };

    public static string Name(DType type) => type == DType.Bool ? "BOOL" : type.ToString();

    /// <summary>The place of a type in the reference writer's order, which puts large alignment first.</summary>
    public static int Rank(DType type) => type switch
    {
        DType.I64 => 0,
        DType.F64 => 1,
        DType.F32 => 2,
        DType.I32 => 3,
        DType.BF16 => 4,
        DType.F16 => 5,
        DType.I16 => 6,
        DType.I8 => 7,
        DType.U8 => 8,
        _ => 9,
    };
}
