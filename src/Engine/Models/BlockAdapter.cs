namespace FastCpt.Engine.Models;

/// <summary>What a block takes up beside its own layers: a bottleneck, a fusion of several, or a prefix.</summary>
public abstract class BlockAdapter
{
    public abstract bool IsTrained { get; }

    /// <summary>What is added to rows after the feed-forward layer; null for a kind that adds nothing there.</summary>
    /// <param name="h">[m, C]: the adapter's rows, normed where the block norms after the addition.</param>
    /// <returns>[m, C].</returns>
    internal virtual Activation? AfterMlp(Tape t, Activation h) => null;
}
