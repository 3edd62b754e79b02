using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>The pieces of a tokenizer that a study keeps, numbered anew; applied after full tokenisation.</summary>
/// <remarks>Kept pieces stay in the order of their ids; a dropped one becomes the unknown piece.</remarks>
public sealed class TrimmedVocabulary
{
    /// <summary>What the mapping is called beside a trimmed model.</summary>
    public const string FileName = "vocabulary_map.json";

    private const int MaxFileBytes = 64 << 20;
    private const string MaskName = "<mask>";

    private readonly int[] _newId;      // by id of the tokenizer

    private TrimmedVocabulary(Tokenizer tokenizer, int[] kept)
    {
        (TokenizerSha256, TokenizerSize, Kept) = (tokenizer.Sha256, tokenizer.VocabularySize, kept);
        int unknown = RequireUnknown(tokenizer);
        _newId = new int[TokenizerSize];
        Unknown = Array.BinarySearch(kept, unknown);
        Array.Fill(_newId, Unknown);
        for (int i = 0; i < kept.Length; i++)
            _newId[kept[i]] = i;
    }

    /// <summary>Of the full tokenizer.</summary>
    public string TokenizerSha256 { get; }

    /// <summary>Ids of the full tokenizer.</summary>
    public int TokenizerSize { get; }

    /// <summary>By new id, the id that a piece has in the full tokenizer; rising.</summary>
    public IReadOnlyList<int> Kept { get; }

    public int Count => Kept.Count;

    /// <summary>The new id of the unknown piece.</summary>
    public int Unknown { get; }

    /// <summary>Keeps the pieces that are used and the special ones: begin, end, padding, unknown, mask.</summary>
    /// <param name="used">By id.</param>
    /// <exception cref="RunException">Exit 3: the tokenizer has no unknown piece.</exception>
    public static TrimmedVocabulary Of(Tokenizer tokenizer, ReadOnlySpan<bool> used)
    {
        bool[] kept = used.ToArray();
        foreach (int? special in Special(tokenizer))
            if (special is { } id)
                kept[id] = true;
        return new TrimmedVocabulary(tokenizer, [.. Enumerable.Range(0, kept.Length).Where(id => kept[id])]);
    }

    /// <summary>The new id of an id of the full tokenizer.</summary>
    public int Map(int id) => _newId[id];

    /// <summary>Whether a piece has an id of its own still.</summary>
    public bool Keeps(int id) => Kept[_newId[id]] == id;

    /// <exception cref="RunException">Exit 6: the file cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, ToBytes());

    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("tokenizer_sha256", TokenizerSha256);
            json.WriteNumber("tokenizer_size", TokenizerSize);
            json.WriteStartArray("kept");
            foreach (int id in Kept)
                json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    /// <exception cref="RunException">
    /// Exit 4: the file is no mapping, or belongs to another tokenizer than this one.
    /// </exception>
    public static TrimmedVocabulary Load(string path, Tokenizer tokenizer)
    {
        using JsonDocument document = StrictJson.Load(path, ExitCode.ModelFile, MaxFileBytes);
        var root = new JsonPlace(document.RootElement, path, "");
        root.AllowKeys("tokenizer_sha256", "tokenizer_size", "kept");
        if (root["tokenizer_sha256"].Text != tokenizer.Sha256)
            throw root["tokenizer_sha256"].Refuse($"is not the hash of the tokenizer, {tokenizer.Sha256}");
        if (root["tokenizer_size"].Integer(int.MaxValue) != tokenizer.VocabularySize)
            throw root["tokenizer_size"].Refuse($"is not the size of the tokenizer, {tokenizer.VocabularySize}");
        var kept = new List<int>();
        foreach (JsonPlace item in root["kept"].Items())
        {
            int id = item.Integer(tokenizer.VocabularySize - 1);
            if (kept.Count > 0 && id <= kept[^1])
                throw item.Refuse("does not rise");
            kept.Add(id);
        }

        foreach (int? special in Special(tokenizer))
            if (special is { } id && kept.BinarySearch(id) < 0)
                throw root["kept"].Refuse($"lacks the special piece {id}");
        return new TrimmedVocabulary(tokenizer, [.. kept]);
    }

    private static int?[] Special(Tokenizer tokenizer) =>
        [tokenizer.Bos, tokenizer.Eos, tokenizer.Pad, RequireUnknown(tokenizer), tokenizer.Find(MaskName)];

    private static int RequireUnknown(Tokenizer tokenizer) => tokenizer.Unknown ?? throw new RunException(
        ExitCode.Config,
        "The tokenizer has no unknown piece, which pieces that are left out become. Train it with <unk> among its "
        + "special tokens, or keep the whole vocabulary.");
}
