namespace FastCpt.Kernels;

/// <summary>Device memory, element type and shape: row-major, contiguous, without strides.</summary>
/// <remarks>
/// A value: it owns nothing and is valid as long as the <see cref="DeviceBuffer"/> or the <see cref="Arena"/> that
/// it came from. The address belongs to the backend's device and never leaves this assembly.
/// </remarks>
public readonly struct Tensor
{
    internal Tensor(nint address, DType type, Shape shape)
    {
        Address = address;
        Type = type;
        Shape = shape;
    }

    /// <summary>Stands for an operand that is not there: no bias, no gradient wanted.</summary>
    public static Tensor None => default;

    public DType Type { get; }

    public Shape Shape { get; }

    public bool IsNone => Address == 0;

    /// <summary>Number of elements.</summary>
    public long Length => Shape.Length;

    public long Bytes => Length * Type.Size();

    /// <summary>Product of all extents but the last.</summary>
    public long Rows => Shape.Rows;

    /// <summary>The last extent.</summary>
    public long Cols => Shape.Cols;

    internal nint Address { get; }

    /// <summary>The same memory under another shape of equal length.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public Tensor Reshape(Shape shape) =>
        shape.Length == Length
            ? new Tensor(Address, Type, shape)
            : throw new ArgumentException($"{Shape} has {Length} elements, {shape} has {shape.Length}.");

    /// <summary>Rows [start, start + count) as a tensor [count, cols] over the same memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rows are not all there.</exception>
    public Tensor Slice(long start, long count)
    {
        if (start < 0 || count < 0 || start > Rows - count)
            throw new ArgumentOutOfRangeException(nameof(start), $"Rows {start} to {start + count} of {Shape}.");
        return new Tensor(Address + (nint)(start * Cols * Type.Size()), Type, new Shape(count, Cols));
    }

    public override string ToString() => IsNone ? "none" : $"{Type} {Shape}";
}
