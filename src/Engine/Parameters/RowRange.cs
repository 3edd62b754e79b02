namespace FastCpt.Engine.Parameters;

/// <summary>Neighbouring rows of a batch, from Start on.</summary>
public readonly record struct RowRange(long Start, long Count)
{
    public long End => Start + Count;
}
