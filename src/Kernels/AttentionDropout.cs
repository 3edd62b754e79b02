namespace FastCpt.Kernels;

/// <summary>What drops out of attention's probabilities in a pass; nothing and at no cost by default.</summary>
/// <remarks>
/// The mask of (query, head, key) is a function of the key, the query's row key, the head and the place of the key in
/// its segment, counted from 0: it depends neither on where the segment lies nor on other segments. See
/// <see cref="DropoutKey"/>.
/// </remarks>
/// <param name="Rate">In [0, 1).</param>
/// <param name="RowKeys">I64 [M], one for each row of queries; only read where the rate is above 0.</param>
public readonly record struct AttentionDropout(float Rate, DropoutKey Key, Tensor RowKeys);
