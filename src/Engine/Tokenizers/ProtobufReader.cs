using System.Buffers.Binary;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Steps through the fields of a protobuf message; every length is checked before it is used.</summary>
/// <remarks>
/// Numbers of at most ten bytes, four and eight byte values, and lengths of bytes are known; groups are refused.
/// Nothing calls itself, so depth in the file cannot exhaust the stack.
/// </remarks>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string source, int offset = 0)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at = 0;
    private int _wireType = 0;

    /// <summary>The number of the field whose value comes next.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_at == _message.Length)
            return false;
        ulong tag = Varint();
        _wireType = (int)(tag & 7);
        if (tag >> 3 is 0 or > 0x1FFFFFFF)
            throw Refuse($"field number {tag >> 3}, expected 1 to {0x1FFFFFFF}");
        if (_wireType is 3 or 4 or 6 or 7)
            throw Refuse($"wire type {_wireType}, expected 0, 1, 2 or 5");
        Field = (int)(tag >> 3);
        return true;
    }

    /// <summary>A number of any width, as protobuf keeps it: negative ones are large.</summary>
    public ulong Number()
    {
        Expect(0);
        return Varint();
    }

    public bool Flag() => Number() != 0;

    /// <summary>A 32-bit number, negative ones as protobuf writes them.</summary>
    public int Integer() => unchecked((int)Number());

    public float Single()
    {
        Expect(5);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    public ReadOnlySpan<byte> Bytes()
    {
        Expect(2);
        return TakeCounted();
    }

    /// <summary>A message inside this one, as bytes of a reader of its own.</summary>
    public ProtobufReader Message()
    {
        var bytes = Bytes();
        return new ProtobufReader(bytes, source, offset + _at - bytes.Length);
    }

    public void Skip()
    {
        switch (_wireType)
        {
            case 0:
                Varint();
                break;
            case 1:
                Take(8);
                break;
            case 2:
                TakeCounted();
                break;
            default:
                Take(4);
                break;
        }
    }

    /// <summary>A refusal that names the file and the byte that was reached.</summary>
    public readonly RunException Refuse(string what) =>
        new(ExitCode.ModelFile, $"{source}: at byte {offset + _at}: {what}.");

    private readonly void Expect(int wireType)
    {
        if (_wireType != wireType)
            throw Refuse($"field {Field} has wire type {_wireType}, expected {wireType}");
    }

    private ReadOnlySpan<byte> TakeCounted()
    {
        ulong length = Varint();
        if (length > (ulong)(_message.Length - _at))
            throw Refuse($"a length of {length} bytes, only {_message.Length - _at} are left");
        return Take((int)length);
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _message.Length - _at)
            throw Refuse($"a value of {length} bytes, only {_message.Length - _at} are left");
        _at += length;
        return _message.Slice(_at - length, length);
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (_at == _message.Length)
                throw Refuse("the message ends inside a number");
            byte b = _message[_at++];
            if (shift == 63 && b > 1)
                break;
            value |= (ulong)(b & 127) << shift;
            if (b < 128)
                return value;
        }
        throw Refuse("a number of more than 64 bits");
    }
}
