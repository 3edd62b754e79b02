namespace FastCpt.Engine.Checkpoints;

/// <summary>A part of a tensor that is made at a time.</summary>
/// <param name="Offset">Of its first byte in the tensor.</param>
internal readonly record struct Piece(TensorEntry Entry, long Offset, int Bytes)
{
    /// <summary>The most bytes of a piece: an input's and the sum stay in a core's cache.</summary>
    public const int MostBytes = 1 << 19;

    /// <summary>The pieces of a tensor in order.</summary>
    public static IEnumerable<Piece> Of(TensorEntry entry)
    {
        for (long offset = 0; offset < entry.ByteCount; offset += MostBytes)
            yield return new Piece(entry, offset, (int)Math.Min(MostBytes, entry.ByteCount - offset));
    }
}
