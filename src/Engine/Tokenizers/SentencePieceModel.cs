using System.Text;
using System.Text.Unicode;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>What a piece of a SentencePiece model is; numbers as in the file.</summary>
internal enum PieceType : byte
{
    Normal = 1,
    Unknown = 2,

    /// <summary>Begin, end and the like: never found in text.</summary>
    Control = 3,

    /// <summary>Found in text wherever it stands, before anything else.</summary>
    UserDefined = 4,

    /// <summary>In the list, but not for use.</summary>
    Unused = 5,

    /// <summary>Stands for one byte of a character that has no piece.</summary>
    Byte = 6,
}

/// <summary>A SentencePiece .model file: pieces with scores, and how text is normalized first.</summary>
/// <remarks>The format is sentencepiece_model.proto; defaults are those that it declares.</remarks>
internal sealed class SentencePieceModel
{
    private const int MaxPieces = 1 << 20;
    private const int MaxPieceBytes = 4096;

    private readonly string _source;
    private readonly List<byte[]> _pieces = [];
    private readonly List<float> _scores = [];
    private readonly List<PieceType> _types = [];
    private string _bosName = "<s>";
    private string _eosName = "</s>";
    private string _padName = "<pad>";

    private SentencePieceModel(string source) => _source = source;

    public IReadOnlyList<byte[]> Pieces => _pieces;

    public IReadOnlyList<float> Scores => _scores;

    public IReadOnlyList<PieceType> Types => _types;

    /// <summary>By bytes; holds all pieces.</summary>
    public PieceTable Table { get; private set; } = new([]);

    public bool IsBpe { get; private set; }

    public bool ByteFallback { get; private set; }

    public bool SpaceIsSuffix { get; private set; }

    public CharacterMap? Map { get; private set; }

    public bool AddsDummyPrefix { get; private set; } = true;

    public bool RemovesExtraSpaces { get; private set; } = true;

    public bool EscapesSpaces { get; private set; } = true;

    /// <summary>How an unknown piece is written when ids become text.</summary>
    public byte[] UnknownSurface { get; private set; } = Encoding.UTF8.GetBytes(" \u2047 ");

    public int Unknown { get; private set; } = -1;

    /// <summary>Ids of byte pieces by byte; empty without byte fallback.</summary>
    public int[] BytePieces { get; private set; } = [];

    public int? Bos => Control(_bosName);

    public int? Eos => Control(_eosName);

    public int? Pad => Control(_padName);

    /// <exception cref="RunException">The file is malformed, or asks for what is not supported.</exception>
    public static SentencePieceModel Read(ReadOnlySpan<byte> file, string source)
    {
        var model = new SentencePieceModel(source);
        var reader = new ProtobufReader(file, source);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    model.ReadPiece(reader.Message());
                    break;
                case 2:
                    model.ReadTrainer(reader.Message());
                    break;
                case 3:
                    model.ReadNormalizer(reader.Message());
                    break;
                case 5:
                    ReadDenormalizer(reader.Message());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        model.Check();
        return model;
    }

    private void ReadPiece(ProtobufReader reader)
    {
        if (_pieces.Count == MaxPieces)
            throw reader.Refuse($"more than {MaxPieces} pieces");
        byte[] piece = [];
        float score = 0;
        var type = PieceType.Normal;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    var text = reader.Bytes();
                    if (text.Length > MaxPieceBytes)
                        throw reader.Refuse($"a piece of {text.Length} bytes, at most {MaxPieceBytes} are accepted");
                    piece = text.ToArray();
                    break;
                case 2:
                    score = reader.Single();
                    break;
                case 3:
                    type = reader.Number() is >= 1 and <= 6 and var number
                        ? (PieceType)number
                        : throw reader.Refuse("a piece of a type other than 1 to 6");
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (piece.Length == 0 || piece.Contains((byte)0) || !Utf8.IsValid(piece))
            throw reader.Refuse($"piece {_pieces.Count} is empty, holds a zero byte or is not UTF-8");
        if (!float.IsFinite(score))
            throw reader.Refuse($"piece {_pieces.Count} has the score {score}, expected a finite number");
        _pieces.Add(piece);
        _scores.Add(score);
        _types.Add(type);
    }

    private void ReadTrainer(ProtobufReader reader)
    {
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    int type = reader.Integer();
                    if (type is not (1 or 2))
                        throw reader.Refuse($"model type {type}, expected 1 (Unigram) or 2 (BPE)");
                    IsBpe = type == 2;
                    break;
                case 24:
                    SpaceIsSuffix = reader.Flag();
                    break;
                case 35:
                    ByteFallback = reader.Flag();
                    break;
                case 44:
                    UnknownSurface = reader.Bytes().ToArray();
                    break;
                case 46:
                    _bosName = Encoding.UTF8.GetString(reader.Bytes());
                    break;
                case 47:
                    _eosName = Encoding.UTF8.GetString(reader.Bytes());
                    break;
                case 48:
                    _padName = Encoding.UTF8.GetString(reader.Bytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void ReadNormalizer(ProtobufReader reader)
    {
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 2:
                    var blob = reader.Bytes();
                    Map = blob.IsEmpty ? null : new CharacterMap(blob, _source);
                    break;
                case 3:
                    AddsDummyPrefix = reader.Flag();
                    break;
                case 4:
                    RemovesExtraSpaces = reader.Flag();
                    break;
                case 5:
                    EscapesSpaces = reader.Flag();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private static void ReadDenormalizer(ProtobufReader reader)
    {
        while (reader.Next())
        {
            if (reader.Field != 2)
                reader.Skip();
            else if (!reader.Bytes().IsEmpty)
                throw reader.Refuse("rules for denormalization, which are not supported");
        }
    }

    private void Check()
    {
        try
        {
            Table = new PieceTable(_pieces);
        }
        catch (ArgumentException e)
        {
            throw Refuse($"pieces {e.Message} are the same");
        }
        var bytes = new int[256];
        Array.Fill(bytes, -1);
        for (int id = 0; id < _pieces.Count; id++)
        {
            if (_types[id] == PieceType.Unknown)
                Unknown = Unknown < 0 ? id : throw Refuse($"pieces {Unknown} and {id} are both of type unknown");
            if (_types[id] != PieceType.Byte)
                continue;
            int value = ByteOf(_pieces[id]);
            if (!ByteFallback || value < 0)
                throw Refuse($"piece {id} is of type byte, but is not written <0x00> to <0xFF> or bytes are not used");
            bytes[value] = id;
        }
        if (Unknown < 0)
            throw Refuse($"none of the {_pieces.Count} pieces is of type unknown");
        if (ByteFallback && Array.IndexOf(bytes, -1) is >= 0 and var missing)
            throw Refuse($"byte fallback is on, but byte 0x{missing:X2} has no piece");
        if (ByteFallback)
            BytePieces = bytes;
    }

    /// <summary>The byte that is written &lt;0x41&gt;, or -1.</summary>
    public static int ByteOf(ReadOnlySpan<byte> piece)
    {
        if (piece.Length != 6 || !piece.StartsWith("<0x"u8) || piece[5] != '>')
            return -1;
        int high = "0123456789ABCDEF"u8.IndexOf(piece[3]), low = "0123456789ABCDEF"u8.IndexOf(piece[4]);
        return high < 0 || low < 0 ? -1 : (16 * high) + low;
    }

    private int? Control(string name) =>
        Table.Find(Encoding.UTF8.GetBytes(name)) is >= 0 and var id && _types[id] == PieceType.Control ? id : null;

    private RunException Refuse(string what) => new(ExitCode.ModelFile, $"{_source}: {what}.");
}
