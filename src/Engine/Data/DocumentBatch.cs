using System.Buffers;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Data;

/// <summary>Documents that are tokenised at once, each on whatever thread is free, and kept in order.</summary>
internal sealed class DocumentBatch(Tokenizer tokenizer, int maxDocumentTokens, int threadCount)
{
    private const int MaxDocuments = 1024, MaxBytes = 4 << 20;

    private readonly List<(int Document, int Start, int Length)> _places = [];
    private readonly List<Encoded> _encoded = [];
    private readonly ParallelOptions _options = new() { MaxDegreeOfParallelism = threadCount };
    private byte[] _text = new byte[MaxBytes];
    private int _byteCount;

    public int Count => _places.Count;

    public bool IsFull => _places.Count >= MaxDocuments || _byteCount >= MaxBytes;

    /// <summary>The number in file order, the tokens and the predicted bytes of the i-th document.</summary>
    public (int Document, ReadOnlyMemory<int> Tokens, int PredictedBytes) this[int i] =>
        (_places[i].Document, _encoded[i].Tokens, _encoded[i].PredictedBytes);

    public void Add(int document, ReadOnlySpan<byte> text)
    {
        if (_byteCount + text.Length > _text.Length)
            Array.Resize(ref _text, Math.Max(_text.Length * 2, _byteCount + text.Length));
        text.CopyTo(_text.AsSpan(_byteCount));
        _places.Add((document, _byteCount, text.Length));
        _byteCount += text.Length;
        if (_encoded.Count < _places.Count)
            _encoded.Add(new Encoded());
    }

    public void Encode() => Parallel.For(0, Count, _options, i =>
        _encoded[i].Encode(tokenizer, _text.AsSpan(_places[i].Start, _places[i].Length), maxDocumentTokens));

    public void Clear()
    {
        _places.Clear();
        _byteCount = 0;
    }

    /// <summary>The tokens of one document, in memory that is used again for another.</summary>
    private sealed class Encoded
    {
        private readonly List<int> _ids = [];
        private readonly ArrayBufferWriter<byte> _decoded = new();
        private int[] _tokens = [];
        private int _count;

        public ReadOnlyMemory<int> Tokens => _tokens.AsMemory(0, _count);

        public int PredictedBytes { get; private set; }

        /// <summary>Start, pieces, end, where the tokenizer has them; pieces beyond the limit are dropped.</summary>
        public void Encode(Tokenizer tokenizer, ReadOnlySpan<byte> text, int maxTokens)
        {
            _ids.Clear();
            tokenizer.Encode(text, _ids);
            int ends = (tokenizer.Bos is null ? 0 : 1) + (tokenizer.Eos is null ? 0 : 1);
            int kept = Math.Min(_ids.Count, maxTokens - ends);
            _count = kept + ends;
            if (_tokens.Length < _count)
                _tokens = new int[_count];
            int first = 0;
            if (tokenizer.Bos is { } bos)
                _tokens[first++] = bos;
            _ids.CopyTo(0, _tokens, first, kept);
            if (tokenizer.Eos is { } eos)
                _tokens[first + kept] = eos;

            ReadOnlySpan<int> pieces = _tokens.AsSpan(first, kept);
            int bytes = kept == _ids.Count ? text.Length : DecodedBytes(tokenizer, pieces);
            if (tokenizer.Bos is null)
                bytes -= DecodedBytes(tokenizer, pieces[..Math.Min(1, kept)]);      // nothing predicts the first piece
            PredictedBytes = Math.Max(0, bytes);
        }

        private int DecodedBytes(Tokenizer tokenizer, ReadOnlySpan<int> pieces)
        {
            _decoded.ResetWrittenCount();
            tokenizer.Decode(pieces, _decoded);
            return _decoded.WrittenCount;
        }
    }
}
