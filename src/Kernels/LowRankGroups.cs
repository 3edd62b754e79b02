namespace FastCpt.Kernels;

/// <summary>Groups of a layer's rows, each with a low-rank term of its own over the one frozen weight.</summary>
/// <remarks>
/// <para>Rows ascend and do not overlap; rows in no group have no term. A row's results have the bits that a layer
/// with its group's term alone gives it; gradients of a group's A and B are summed over its own rows, from its first
/// on, so they have the bits of a pass with that group alone.</para>
/// <para>A list that is allocated once and filled again for every op; an op is done with it when it returns.</para>
/// </remarks>
public sealed class LowRankGroups
{
    private LowRankGroup[] _groups = new LowRankGroup[8];

    public int Count { get; private set; }

    /// <summary>The largest rank; 0 without groups.</summary>
    public long MostRank { get; private set; }

    public ref readonly LowRankGroup this[int index] => ref _groups.AsSpan(0, Count)[index];

    public void Clear() => (Count, MostRank) = (0, 0);

    /// <summary>Adds a group of rows after those that are there.</summary>
    /// <exception cref="ArgumentException">It begins before the last one ends, or has no matrices.</exception>
    public void Add(in LowRankGroup group)
    {
        long end = Count == 0 ? 0 : _groups[Count - 1].Start + _groups[Count - 1].Rows;
        Expect.That(
            group.Start >= end && group.Rows >= 0,
            $"Rows {group.Start} to {group.Start + group.Rows} of a group follow row {end}.");
        Expect.That(!group.A.IsNone && !group.B.IsNone, "A group of rows has A and B.");
        if (Count == _groups.Length)
            Array.Resize(ref _groups, 2 * Count);
        _groups[Count++] = group;
        MostRank = Math.Max(MostRank, group.A.Rows);
    }
}
