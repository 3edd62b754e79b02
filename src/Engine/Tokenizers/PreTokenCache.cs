namespace FastCpt.Engine.Tokenizers;

/// <summary>The ids of pre-tokens seen lately: a fixed number of places; a newcomer takes that of its hash.</summary>
/// <remarks>No text can make it grow or slow. Not safe for several threads: each has its own.</remarks>
internal sealed class PreTokenCache
{
    /// <summary>The longest pre-token that is kept, in bytes.</summary>
    public const int MaxBytes = 48;

    private const int LogPlaces = 15;
    private const int MaxIds = 12;

    private readonly byte[] _keys = new byte[MaxBytes << LogPlaces];
    private readonly int[] _ids = new int[MaxIds << LogPlaces];
    private readonly byte[] _keyLengths = new byte[1 << LogPlaces];
    private readonly byte[] _idCounts = new byte[1 << LogPlaces];

    /// <summary>The place where a pre-token of at most <see cref="MaxBytes"/> is kept if it is.</summary>
    public static int Place(ReadOnlySpan<byte> key) => (int)(PieceTable.Hash(key) >> (64 - LogPlaces));

    /// <returns>The ids, or none if the pre-token is not there.</returns>
    public ReadOnlySpan<int> Find(int place, ReadOnlySpan<byte> key) =>
        _keyLengths[place] == key.Length && _keys.AsSpan(place * MaxBytes, key.Length).SequenceEqual(key)
            ? _ids.AsSpan(place * MaxIds, _idCounts[place])
            : [];

    public void Add(int place, ReadOnlySpan<byte> key, ReadOnlySpan<int> ids)
    {
        if (ids.Length > MaxIds)
            return;
        key.CopyTo(_keys.AsSpan(place * MaxBytes));
        ids.CopyTo(_ids.AsSpan(place * MaxIds));
        _keyLengths[place] = (byte)key.Length;
        _idCounts[place] = (byte)ids.Length;
    }
}
