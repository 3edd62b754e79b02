using System.Runtime.InteropServices;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Cuts normalized text into the pieces whose scores have the largest sum, by Viterbi.</summary>
/// <remarks>
/// A character that no piece covers alone may be unknown, at the lowest score less 10. Of equal sums the path whose
/// last piece starts first wins. Kudo 2018. Linear in the text for a given longest piece.
/// </remarks>
internal sealed class Unigram
{
    private const double UnknownPenalty = 10;

    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknown;
    private readonly bool _singlePrecision;

    /// <param name="pieces">By id; null where a piece is not for use in text.</param>
    /// <param name="lowest">The lowest score of the ordinary pieces.</param>
    /// <param name="singlePrecision">Rounds sums to float32, as SentencePiece does; the Rust port does not.</param>
    public Unigram(
        IReadOnlyList<byte[]?> pieces, double[] scores, double lowest, int unknown, bool singlePrecision)
    {
        _trie = new PieceTrie(pieces);
        _scores = scores;
        _unknown = unknown;
        _singlePrecision = singlePrecision;
        _unknownScore = singlePrecision ? (float)(lowest - UnknownPenalty) : lowest - UnknownPenalty;
    }

    /// <summary>The pieces of a model, with the scores that SentencePiece gives them.</summary>
    /// <remarks>
    /// A user-defined symbol has the score length · highest − 0.1, where highest starts at the smallest normal float:
    /// as scores are negative, that is about −0.1 whatever its length.
    /// </remarks>
    public static Unigram From(SentencePieceModel model)
    {
        float lowest = float.MaxValue, highest = 1.17549435e-38f;
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Types[id] != PieceType.Normal)
                continue;
            lowest = Math.Min(lowest, model.Scores[id]);
            highest = Math.Max(highest, model.Scores[id]);
        }
        var pieces = new byte[model.Pieces.Count][];
        var scores = new double[model.Pieces.Count];
        for (int id = 0; id < pieces.Length; id++)
        {
            if (model.Types[id] is PieceType.Normal or PieceType.UserDefined)
                pieces[id] = model.Pieces[id];
            scores[id] = model.Types[id] == PieceType.UserDefined
                ? (float)(model.Pieces[id].Length * highest) - 0.1
                : model.Scores[id];
        }
        return new Unigram(pieces, scores, lowest, model.Unknown, singlePrecision: true);
    }

    /// <summary>A best way to reach a position.</summary>
    public struct Arrival
    {
        public double Score;
        public int Start;       // -1 where nothing arrives
        public int Id;
    }

    /// <summary>Appends the pieces of a text, each with where it ends.</summary>
    /// <param name="workspace">Reused from call to call; any content.</param>
    public void Encode(ReadOnlySpan<byte> text, Workspace workspace, List<(int Id, int End)> pieces)
    {
        var arrivals = workspace.Arrivals(text.Length + 1);
        arrivals.Fill(new Arrival { Start = -1 });
        arrivals[0] = default;
        for (int start = 0; start < text.Length;)
        {
            int length = Math.Min(CharacterLength(text[start]), text.Length - start);
            Extend(text, start, length, arrivals);
            start += length;
        }
        int first = pieces.Count;
        for (int end = text.Length; end > 0; end = arrivals[end].Start)
            pieces.Add((arrivals[end].Id, end));
        CollectionsMarshal.AsSpan(pieces)[first..].Reverse();
    }

    private void Extend(ReadOnlySpan<byte> text, int start, int characterLength, Span<Arrival> arrivals)
    {
        double before = arrivals[start].Score;
        bool covered = false;
        int node = 0;
        for (int at = start; at < text.Length && _trie.Step(ref node, text[at], out int id); at++)
        {
            if (id < 0)
                continue;
            Arrive(ref arrivals[at + 1], before + _scores[id], start, id);
            covered |= at + 1 - start == characterLength;
        }
        if (!covered)
        {
            double score = before + _unknownScore;
            Arrive(ref arrivals[start + characterLength], _singlePrecision ? (float)score : score, start, _unknown);
        }
    }

    private void Arrive(ref Arrival arrival, double score, int start, int id)
    {
        // SentencePiece compares before it rounds.
        if (arrival.Start >= 0 && score <= arrival.Score)
            return;
        arrival = new Arrival { Score = _singlePrecision ? (float)score : score, Start = start, Id = id };
    }

    /// <summary>The length that the first byte announces.</summary>
    private static int CharacterLength(byte first) => first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    /// <summary>Room for the arrivals of one text; one for each thread.</summary>
    public sealed class Workspace
    {
        private Arrival[] _arrivals = [];

        internal Span<Arrival> Arrivals(int count)
        {
            if (_arrivals.Length < count)
                _arrivals = new Arrival[Math.Max(count, 2 * _arrivals.Length)];
            return _arrivals.AsSpan(0, count);
        }
    }
}
