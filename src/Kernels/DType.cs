namespace FastCpt.Kernels;

/// <summary>Element types of tensors in memory and in safetensors files.</summary>
/// <remarks>
/// Kernels compute on F32 and BF16 (Reference on F64 too) and index with I32; the rest only live in files.
/// </remarks>
public enum DType : byte
{
    F32,
    BF16,
    F64,
    F16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F64 or DType.I64 => 8,
        DType.F32 or DType.I32 => 4,
        DType.BF16 or DType.F16 or DType.I16 => 2,
        DType.I8 or DType.U8 or DType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown element type."),
    };

    /// <summary>Whether arithmetic is defined on the type: F32, BF16, and F64 for Reference.</summary>
    public static bool IsFloating(this DType type) => type is DType.F32 or DType.BF16 or DType.F64;
}
