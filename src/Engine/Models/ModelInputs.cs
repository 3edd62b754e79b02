using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>What a model reads: packed rows of one batch, in device memory.</summary>
/// <param name="Ids">I32 [M].</param>
/// <param name="Positions">I32 [M], within the row's segment, from 0.</param>
/// <param name="Segments">Rows that attend to one another.</param>
/// <param name="Targets">I32 [M]; none where nothing is predicted.</param>
/// <param name="RowKeys">I64 [M]: what each row's dropout depends on, see <see cref="DropoutKey"/>; none where nothing
/// is dropped.</param>
/// <param name="Adapters">Which adapters serve which rows; null where the first of every layer serves all.</param>
public readonly record struct ModelInputs(
    Tensor Ids, Tensor Positions, Segments Segments, Tensor Targets, Tensor RowKeys = default,
    AdapterRows? Adapters = null)
{
    /// <summary>Rows that predict something; −1 where that was not counted.</summary>
    public long PredictedCount { get; init; } = -1;

    /// <summary>Copies a batch into the pass that the tape is in.</summary>
    /// <param name="bounds">[count, 2]: first row and one past the last of every segment.</param>
    /// <param name="targets">Empty where nothing is predicted.</param>
    /// <param name="rowKeys">Empty where nothing is dropped.</param>
    public static ModelInputs Upload(
        Tape tape, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, ReadOnlySpan<int> bounds,
        ReadOnlySpan<int> targets, ReadOnlySpan<long> rowKeys = default)
    {
        int longest = 0;
        for (int segment = 0; segment < bounds.Length / 2; segment++)
            longest = Math.Max(longest, bounds[2 * segment + 1] - bounds[2 * segment]);
        return new ModelInputs(
            tape.Upload(ids, DType.I32, new Shape(ids.Length)),
            tape.Upload(positions, DType.I32, new Shape(positions.Length)),
            new Segments(tape.Upload(bounds, DType.I32, new Shape(bounds.Length / 2, 2)), longest),
            targets.IsEmpty ? Tensor.None : tape.Upload(targets, DType.I32, new Shape(targets.Length)),
            rowKeys.IsEmpty ? Tensor.None : tape.Upload(rowKeys, DType.I64, new Shape(rowKeys.Length)))
        {
            PredictedCount = targets.Length - targets.Count(Backend.IgnoredTarget),
        };
    }
}
