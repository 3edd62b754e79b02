using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Trains a byte-level BPE: again and again the most frequent pair of neighbours becomes a piece.</summary>
/// <remarks>
/// Text is cut as o200k_base does it (marks stay with their letters, digits in threes), so the scripts of India and
/// South-East Asia keep their syllables. Of equally frequent pairs the one with the smaller ids comes first, as in
/// Hugging Face's trainer: the result depends on the multiset of documents alone. Sennrich et al. 2016.
/// </remarks>
public static class BpeTrainer
{
    private const string Work = "training a tokenizer";

    private static readonly (string Role, string Name)[] Roles =
    [
        ("bos_token", "<bos>"), ("eos_token", "<eos>"), ("mask_token", "<mask>"), ("pad_token", "<pad>"),
        ("unk_token", "<unk>"),
    ];

    /// <param name="documents">UTF-8 texts; how much of each language is the caller's choice.</param>
    /// <param name="stop">Polled once per document and per merge.</param>
    /// <exception cref="RunException">
    /// Exit 3: the options ask for what the text cannot give. Exit 130, 143: stopped.
    /// </exception>
    public static TrainedTokenizer Train(
        IEnumerable<ReadOnlyMemory<byte>> documents, BpeTrainerOptions options, StopSignal? stop = null)
    {
        int mergedPieces = options.VocabularySize - 256 - options.SpecialTokens.Count;
        if (mergedPieces < 0 || options.VocabularySize > TokenizerJson.MaxPieces)
            throw new RunException(ExitCode.Config,
                $"A vocabulary of {options.VocabularySize} pieces: expected at least " +
                $"{256 + options.SpecialTokens.Count} (the bytes and the special tokens), " +
                $"at most {TokenizerJson.MaxPieces}.");
        CheckSpecialTokens(options.SpecialTokens);
        var words = CountWords(documents, stop);
        var training = new Training(words, options);
        training.Run(mergedPieces, stop);
        if (training.Pieces.Count < 256 + mergedPieces)
            throw new RunException(ExitCode.Config,
                $"The text gives {training.Pieces.Count + options.SpecialTokens.Count} pieces, " +
                $"{options.VocabularySize} were asked for. Give more text or ask for a smaller vocabulary.");
        byte[] json = TokenizerJsonWriter.Tokenizer(
            options.SpecialTokens, training.Pieces, training.Merges, SplitPattern.O200k);
        byte[] config = TokenizerJsonWriter.Config(Roles.Where(role => options.SpecialTokens.Contains(role.Name)));
        Tokenizer tokenizer = TokenizerJson.Read(json, "tokenizer.json");
        SpecialTokenRoles.ApplyNames(tokenizer);
        return new TrainedTokenizer(tokenizer, json, config, training.MergesByScript());
    }

    private static void CheckSpecialTokens(IReadOnlyList<string> tokens)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string token in tokens)
            if (token.Length < 2 || !seen.Add(token))
                throw new RunException(ExitCode.Config,
                    $"The special token '{token}' is there twice or shorter than two characters.");
    }

    private static WordCounter CountWords(IEnumerable<ReadOnlyMemory<byte>> documents, StopSignal? stop)
    {
        var words = new WordCounter();
        foreach (var document in documents)
        {
            stop?.ThrowIfStopRequested(Work);
            var text = document.Span;
            for (int at = 0; at < text.Length;)
            {
                int end = SplitPattern.O200k.End(text, at);
                words.Add(text[at..end]);
                at = end;
            }
        }
        return words;
    }

    /// <summary>The state between two merges.</summary>
    private sealed class Training
    {
        private readonly BpeTrainerOptions _options;
        private readonly PairCounts _pairs;
        private readonly ScriptShares _shares;
        private readonly PriorityQueue<int, (long, int, int)>[] _queues;    // by share; pairs, the best first
        private readonly int[] _mergesOf;
        private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);    // by piece in the alphabet

        public Training(WordCounter words, BpeTrainerOptions options)
        {
            _options = options;
            _shares = options.BalancedScripts ? ScriptShares.Of(words) : ScriptShares.Single();
            _queues = [.. _shares.Names.Select(_ => new PriorityQueue<int, (long, int, int)>())];
            _mergesOf = new int[_queues.Length];
            var idOfByte = new int[256];
            // Bytes have ids in the order of the characters that stand for them, as in the published vocabularies.
            foreach (byte b in Enumerable.Range(0, 256).Select(b => (byte)b).OrderBy(b => ByteAlphabet.Write([b])[0]))
            {
                idOfByte[b] = Pieces.Count;
                AddPiece([b]);
            }
            // A piece written like a special token would take its id when the file is read.
            foreach (string token in options.SpecialTokens)
                _ids.TryAdd(token, -1);
            _pairs = new PairCounts(words, idOfByte);
            for (int pair = 0; pair < _pairs.Count; pair++)
                Queue(pair);
        }

        public List<byte[]> Pieces { get; } = [];

        public List<(byte[] Left, byte[] Right)> Merges { get; } = [];

        public void Run(int count, StopSignal? stop)
        {
            var grown = new List<int>();
            while (Pieces.Count < 256 + count && NextShare() is >= 0 and var share)
            {
                stop?.ThrowIfStopRequested(Work);
                int pair = _queues[share].Dequeue();
                var (left, right, _) = _pairs[pair];
                byte[] piece = [.. Pieces[left], .. Pieces[right]];
                int id = _ids.GetValueOrDefault(ByteAlphabet.Write(piece), Pieces.Count);
                if (id < 0)
                    continue;
                if (id == Pieces.Count)
                    AddPiece(piece);
                Merges.Add((Pieces[left], Pieces[right]));
                _mergesOf[share]++;
                _pairs.Merge(pair, id, grown);
                foreach (int other in grown)
                    Queue(other);
            }
        }

        public IReadOnlyDictionary<string, int> MergesByScript()
        {
            var merges = new SortedDictionary<string, int>(StringComparer.Ordinal);
            for (int share = 0; _options.BalancedScripts && share < _mergesOf.Length; share++)
                merges[_shares.Names[share]] = _mergesOf[share];
            return merges;
        }

        /// <summary>The share with the fewest merges of those that have a pair left, or -1.</summary>
        private int NextShare()
        {
            int best = -1;
            for (int share = 0; share < _queues.Length; share++)
                if (HasPair(_queues[share]) && (best < 0 || _mergesOf[share] < _mergesOf[best]))
                    best = share;
            return best;
        }

        /// <summary>Brings a pair with its present count to the front of a queue.</summary>
        private bool HasPair(PriorityQueue<int, (long, int, int)> queue)
        {
            while (queue.TryPeek(out int pair, out var priority))
            {
                long count = _pairs[pair].Count;
                if (count == -priority.Item1)
                    return true;
                queue.Dequeue();
                if (count >= _options.MinimumCount && count < -priority.Item1)
                    Queue(pair);
            }
            return false;
        }

        private void Queue(int pair)
        {
            var (left, right, count) = _pairs[pair];
            if (count < _options.MinimumCount)
                return;
            int share = _queues.Length == 1 ? 0 : _shares.Of([.. Pieces[left], .. Pieces[right]]);
            _queues[share].Enqueue(pair, (-count, left, right));
        }

        private void AddPiece(byte[] piece)
        {
            _ids.Add(ByteAlphabet.Write(piece), Pieces.Count);
            Pieces.Add(piece);
        }
    }
}
