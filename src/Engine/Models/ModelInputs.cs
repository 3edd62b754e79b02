using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>What a decoder reads: packed rows of one batch, in device memory.</summary>
/// <param name="Ids">I32 [M].</param>
/// <param name="Positions">I32 [M], within the row's segment.</param>
/// <param name="Segments">Rows that attend to one another.</param>
/// <param name="Targets">I32 [M]; none where nothing is predicted.</param>
public readonly record struct ModelInputs(Tensor Ids, Tensor Positions, Segments Segments, Tensor Targets)
{
    /// <summary>Copies a batch into the pass that the tape is in.</summary>
    /// <param name="bounds">[count, 2]: first row and one past the last of every segment.</param>
    /// <param name="targets">Empty where nothing is predicted.</param>
    public static ModelInputs Upload(
        Tape tape, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, ReadOnlySpan<int> bounds,
        ReadOnlySpan<int> targets)
    {
        int longest = 0;
        for (int segment = 0; segment < bounds.Length / 2; segment++)
            longest = Math.Max(longest, bounds[2 * segment + 1] - bounds[2 * segment]);
        return new ModelInputs(
            Copy(tape, ids, new Shape(ids.Length)),
            Copy(tape, positions, new Shape(positions.Length)),
            new Segments(Copy(tape, bounds, new Shape(bounds.Length / 2, 2)), longest),
            targets.IsEmpty ? Tensor.None : Copy(tape, targets, new Shape(targets.Length)));
    }

    private static Tensor Copy(Tape tape, ReadOnlySpan<int> values, Shape shape)
    {
        Tensor tensor = tape.Take(DType.I32, shape);
        tape.Backend.Upload(MemoryMarshal.AsBytes(values), tensor);
        return tensor;
    }
}
