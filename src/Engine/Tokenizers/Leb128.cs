namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads unsigned LEB128 numbers from base64 text, the form of our Unicode tables.</summary>
internal sealed class Leb128(string base64)
{
    private readonly byte[] _bytes = Convert.FromBase64String(base64);
    private int _at;

    public bool AtEnd => _at == _bytes.Length;

    public int Next()
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = _bytes[_at++];
            value |= (b & 127) << shift;
            if (b < 128)
                return value;
        }
    }
}
