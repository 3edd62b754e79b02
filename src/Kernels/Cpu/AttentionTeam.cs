namespace FastCpt.Kernels.Cpu;

/// <summary>Workers that share one key head of a segment, and which of them does what.</summary>
/// <param name="Pool">What they meet at; null for one that works alone.</param>
internal readonly record struct AttentionTeam(WorkerPool? Pool, int Member, int Members)
{
    public static AttentionTeam Alone => new(null, 0, 1);

    /// <summary>Whether a tile is this member's: they take turns.</summary>
    public bool Takes(int tile) => tile % Members == Member;

    /// <summary>Waits until all have come here.</summary>
    public void Meet() => Pool?.Meet();
}
