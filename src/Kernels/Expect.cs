using System.Runtime.CompilerServices;

namespace FastCpt.Kernels;

/// <summary>Checks of the contract's operands; a failure is a mistake of ours and names operand and shapes.</summary>
internal static class Expect
{
    public static void Floating(Tensor tensor, string name)
    {
        if (tensor.IsNone || !tensor.Type.IsFloating())
            throw new ArgumentException($"{name} is {tensor}; a floating-point tensor is needed.", name);
    }

    public static void Type(Tensor tensor, string name, DType type)
    {
        if (tensor.IsNone || tensor.Type != type)
            throw new ArgumentException($"{name} is {tensor}; {type} is needed.", name);
    }

    public static void Length(Tensor tensor, string name, long length)
    {
        if (tensor.IsNone || tensor.Length != length)
            throw new ArgumentException($"{name} is {tensor}; {length} elements are needed.", name);
    }

    /// <summary>A tensor whose rows (product of all extents but the last) and columns are given.</summary>
    public static void Matrix(Tensor tensor, string name, DType type, long rows, long cols)
    {
        Type(tensor, name, type);
        if (tensor.Rows != rows || tensor.Cols != cols)
            throw new ArgumentException($"{name} is {tensor}; {type} [{rows}, {cols}] is needed.", name);
    }

    public static void Vector(Tensor tensor, string name, DType type, long length)
    {
        Type(tensor, name, type);
        Length(tensor, name, length);
    }

    /// <summary>A weight: any floating type beside F32 and BF16 activations, F64 beside F64.</summary>
    public static void Weight(Tensor tensor, string name, DType activation, long rows, long cols)
    {
        Floating(tensor, name);
        if (tensor.Type == DType.F64 != (activation == DType.F64))
            throw new ArgumentException($"{name} is {tensor} beside {activation} activations.", name);
        if (tensor.Rows != rows || tensor.Cols != cols)
            throw new ArgumentException($"{name} is {tensor}; [{rows}, {cols}] is needed.", name);
    }

    public static void OptionalMatrix(Tensor tensor, string name, DType type, long rows, long cols)
    {
        if (!tensor.IsNone)
            Matrix(tensor, name, type, rows, cols);
    }

    public static void OptionalVector(Tensor tensor, string name, DType type, long length)
    {
        if (!tensor.IsNone)
            Vector(tensor, name, type, length);
    }

    public static void That(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }

    public static void That(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureMessage message)
    {
        if (!condition)
            throw new ArgumentException(message.Take());
    }

    /// <summary>Type of sums, statistics and weight gradients beside activations of a type.</summary>
    public static DType Statistic(DType activation) => activation == DType.F64 ? DType.F64 : DType.F32;
}
