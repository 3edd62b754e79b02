namespace FastCpt.Kernels;

/// <summary>What the dropout mask of an element depends on, beside its row's key and its column.</summary>
/// <remarks>
/// A row's key is (sample id · 2²⁰ + token position): what the row holds, never where it lies in a buffer. So the mask
/// is the same when a block is recomputed, when the batch is split, and when other samples join.
/// </remarks>
/// <param name="Seed">Of the run.</param>
/// <param name="Update">Optimizer step.</param>
/// <param name="Layer">Which dropout of the model.</param>
public readonly record struct DropoutKey(ulong Seed, long Update, int Layer);
