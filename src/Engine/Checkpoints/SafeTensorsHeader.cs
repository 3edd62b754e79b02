using System.Text.Json;
using System.Text.Unicode;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Reads the JSON header of a safetensors file; every rule that can be broken has a named fault.</summary>
/// <remarks>
/// The header is read twice: once to see that it is JSON and how many tensors it declares, which allocates nothing,
/// then to build the entries. The reader gives tokens, so depth costs no stack and numbers keep their spelling.
/// </remarks>
internal ref struct SafeTensorsHeader
{
    public const int MaxTensors = 100_000;
    public const int MaxNameLength = 1024;
    public const int MaxRank = 8;
    public const long MaxSize = (1L << 48) - 1;
    public const int MaxMetadataBytes = 1 << 20;

    private readonly string _path;
    private readonly long _bufferStart;
    private Utf8JsonReader _reader;

    private SafeTensorsHeader(ReadOnlySpan<byte> json, string path)
    {
        (_path, _bufferStart) = (path, sizeof(ulong) + json.Length);
        _reader = new Utf8JsonReader(json);
    }

    /// <summary>The declared tensors in the order of their bytes.</summary>
    public TensorEntry[] Entries { get; private set; } = [];

    public Dictionary<string, TensorEntry> EntryByName { get; private set; } = [];

    /// <summary>The strings under __metadata__ in the order of the text.</summary>
    public OrderedDictionary<string, string> Metadata { get; private set; } = [];

    /// <summary>Reads a header and checks it against the bytes that follow.</summary>
    /// <param name="json">The header without its length.</param>
    /// <param name="bufferLength">Bytes of the file after the header.</param>
    public static SafeTensorsHeader Parse(ReadOnlySpan<byte> json, string path, long bufferLength)
    {
        if (!Utf8.IsValid(json))
            throw Refuse(path, SafeTensorsFault.InvalidHeaderUtf8,
                $"byte {sizeof(ulong) + TextPosition.FirstInvalid(json)} is not valid UTF-8.");
        int tensorCount = CheckSyntax(json, path);
        var header = new SafeTensorsHeader(json, path);
        header.ReadEntries(tensorCount);
        header.Entries = [.. header.EntryByName.Values];
        Array.Sort(header.Entries, static (a, b) =>
            a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.ByteCount.CompareTo(b.ByteCount));
        header.CheckLayout(bufferLength);
        return header;
    }

    public static RunException Refuse(string path, SafeTensorsFault fault, string what) =>
        new(ExitCode.ModelFile, $"{path}: {fault}: {what}");

    /// <returns>How many tensors the outer object declares.</returns>
    private static int CheckSyntax(ReadOnlySpan<byte> json, string path)
    {
        var reader = new Utf8JsonReader(json);
        int tensorCount = 0;
        try
        {
            while (reader.Read())
            {
                bool isObject = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.EndObject;
                if (reader.CurrentDepth == 0 && !isObject)
                    throw Refuse(path, SafeTensorsFault.InvalidHeaderJson, "the header is not a JSON object.");
                bool isTensor = reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1
                    && !reader.ValueSpan.SequenceEqual("__metadata__"u8);
                if (isTensor && ++tensorCount > MaxTensors)
                    throw Refuse(path, SafeTensorsFault.LimitExceeded,
                        $"more than {MaxTensors} tensors are declared.");
            }
        }
        catch (JsonException e)
        {
            throw Refuse(path, SafeTensorsFault.InvalidHeaderJson,
                $"not valid JSON after byte {sizeof(ulong) + reader.BytesConsumed}: {e.Message}");
        }
        return tensorCount;
    }

    private void ReadEntries(int capacity)
    {
        bool sawMetadata = false;
        EntryByName = new Dictionary<string, TensorEntry>(capacity);
        _reader.Read();
        while (Next() == JsonTokenType.PropertyName)
        {
            string name = Text();
            bool isMetadata = name == "__metadata__";
            if (isMetadata ? sawMetadata : EntryByName.ContainsKey(name))
                throw Refuse(SafeTensorsFault.DuplicateKey, $"'{Shown(name)}' is declared twice.");
            if (isMetadata)
                Metadata = ReadMetadata();
            else
                EntryByName.Add(name, ReadEntry(name));
            sawMetadata |= isMetadata;
        }
    }

    private OrderedDictionary<string, string> ReadMetadata()
    {
        long start = _reader.BytesConsumed;
        if (Next() != JsonTokenType.StartObject)
            throw Refuse(SafeTensorsFault.InvalidMetadata, "__metadata__ is not an object of strings.");
        var metadata = new OrderedDictionary<string, string>();
        while (Next() == JsonTokenType.PropertyName)
        {
            string key = Text();
            if (Next() != JsonTokenType.String)
                throw Refuse(SafeTensorsFault.InvalidMetadata, $"the value of '{Shown(key)}' is not a string.");
            if (!metadata.TryAdd(key, Text()))
                throw Refuse(SafeTensorsFault.DuplicateKey, $"'{Shown(key)}' is twice in __metadata__.");
            if (_reader.BytesConsumed - start > MaxMetadataBytes)
                throw Refuse(SafeTensorsFault.InvalidMetadata,
                    $"__metadata__ is longer than {MaxMetadataBytes} bytes.");
        }
        return metadata;
    }

    private TensorEntry ReadEntry(string name)
    {
        CheckName(name);
        if (Next() != JsonTokenType.StartObject)
            throw Invalid(name, "is not an object with dtype, shape and data_offsets.");
        DType? type = null;
        Span<long> shape = stackalloc long[MaxRank], offsets = stackalloc long[2];
        int rank = -1, offsetCount = -1;
        while (Next() == JsonTokenType.PropertyName)
        {
            string key = Text();
            switch (key)
            {
                case "dtype" when type is null:
                    type = ReadType(name);
                    break;
                case "shape" when rank < 0:
                    rank = ReadNumbers(name, "shape", MaxSize, shape);
                    break;
                case "data_offsets" when offsetCount < 0:
                    offsetCount = ReadNumbers(name, "data_offsets", long.MaxValue, offsets);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Refuse(SafeTensorsFault.DuplicateKey, $"'{key}' is twice in tensor '{name}'.");
                default:
                    throw Invalid(name, $"has the member '{Shown(key)}', which the format does not know.");
            }
        }
        if (type is null || rank < 0 || offsetCount != 2)
            throw Invalid(name, "does not have dtype, shape and two data_offsets.");
        return Entry(name, type.Value, shape[..rank].ToArray(), offsets[0], offsets[1]);
    }

    private readonly TensorEntry Entry(string name, DType type, long[] shape, long begin, long end)
    {
        if (!TensorEntry.TryCount(shape, out long count) || count > long.MaxValue / type.Size())
            throw Refuse(SafeTensorsFault.ValidationOverflow,
                $"tensor '{name}' [{string.Join(", ", shape)}] has no size in 64 bits.");
        long size = count * type.Size();
        if (end < begin || end - begin != size)
            throw Refuse(SafeTensorsFault.TensorSizeMismatch,
                $"tensor '{name}' {type} [{string.Join(", ", shape)}] needs {size} bytes, its offsets [{begin}, {end}] "
                + "hold another number.");
        if (begin > long.MaxValue - _bufferStart - size)
            throw Refuse(SafeTensorsFault.InvalidOffset, $"tensor '{name}' begins at {begin}.");
        return new TensorEntry(name, type, shape, _bufferStart + begin);
    }

    private readonly void CheckName(string name)
    {
        if (name.Length > MaxNameLength)
            throw Refuse(SafeTensorsFault.LimitExceeded,
                $"a tensor name has {name.Length} characters, at most {MaxNameLength} are accepted.");
        if (name.Any(char.IsControl))
            throw Refuse(SafeTensorsFault.LimitExceeded, $"the tensor name '{Shown(name)}' holds a control character.");
    }

    private DType ReadType(string name)
    {
        if (Next() != JsonTokenType.String)
            throw Invalid(name, "has a dtype that is not a string.");
        string text = Text();
        return SafeTensorsType.Parse(text) ?? throw Refuse(SafeTensorsFault.UnsupportedDtype,
            $"tensor '{name}' has the dtype '{Shown(text)}'; read are {SafeTensorsType.All}.");
    }

    /// <summary>An array of whole numbers, each in plain digits and at most max.</summary>
    /// <returns>How many there are.</returns>
    private int ReadNumbers(string name, string key, long max, scoped Span<long> numbers)
    {
        if (Next() != JsonTokenType.StartArray)
            throw Invalid(name, $"has a {key} that is not an array.");
        int count = 0;
        while (Next() != JsonTokenType.EndArray)
        {
            if (_reader.TokenType != JsonTokenType.Number
                || _reader.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
                throw Invalid(name, $"has a value in {key} that is not a whole number in plain digits.");
            if (!_reader.TryGetInt64(out long number) || number > max)
                throw Refuse(SafeTensorsFault.ValidationOverflow,
                    $"tensor '{name}' has a number above {max} in {key}.");
            if (count == numbers.Length)
                throw Refuse(SafeTensorsFault.ValidationOverflow,
                    $"tensor '{name}' has more than {numbers.Length} values in {key}.");
            numbers[count++] = number;
        }
        return count;
    }

    /// <summary>The tensors cover the buffer once, without hole, overlap or rest.</summary>
    private readonly void CheckLayout(long bufferLength)
    {
        long end = _bufferStart;
        foreach (TensorEntry entry in Entries)
        {
            if (entry.Offset != end)
                throw Refuse(SafeTensorsFault.InvalidOffset,
                    $"tensor '{entry.Name}' begins at {entry.Offset - _bufferStart}, expected {end - _bufferStart}: "
                    + "tensors must follow each other without hole or overlap.");
            end += entry.ByteCount;
        }
        if (end - _bufferStart != bufferLength)
            throw Refuse(SafeTensorsFault.IncompleteBuffer,
                $"the tensors need {end - _bufferStart} bytes after the header, the file has {bufferLength}"
                + $"{FirstCut(_bufferStart + bufferLength)}.");
    }

    /// <summary>Names the first tensor that does not end before the file does; nothing where all do.</summary>
    private readonly string FirstCut(long fileEnd) =>
        Array.Find(Entries, entry => entry.Offset + entry.ByteCount > fileEnd) is { } cut
            ? $", which ends before '{cut.Name}' does" : "";

    private JsonTokenType Next()
    {
        _reader.Read();     // cannot fail: CheckSyntax has read the same bytes
        return _reader.TokenType;
    }

    private string Text()
    {
        try
        {
            return _reader.GetString()!;     // not null: the token is a string or a property name
        }
        catch (InvalidOperationException)
        {
            throw Refuse(SafeTensorsFault.InvalidHeaderUtf8,
                $"half of a surrogate pair stands alone at byte {sizeof(ulong) + _reader.TokenStartIndex}.");
        }
    }

    private static string Shown(string text) => YamlNode.Shown(text);

    private readonly RunException Invalid(string name, string what) =>
        Refuse(SafeTensorsFault.InvalidTensorInfo, $"tensor '{name}' {what}");

    private readonly RunException Refuse(SafeTensorsFault fault, string what) => Refuse(_path, fault, what);
}
