using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels.Platform;

namespace FastCpt.Engine.Data;

/// <summary>Hides tokens that a masked model has to predict, others at every step.</summary>
/// <remarks>
/// Of the tokens that are not special 15 % are predicted: 80 % of these become the mask, 10 % a random piece, 10 % stay
/// (Devlin et al. 2018, section 3.1; anew at every step as Liu et al. 2019, section 4.1). What happens to a token
/// depends on (seed, step, sample, position) alone.
/// </remarks>
public sealed class TokenMask
{
    /// <summary>A step that training never has: where every evaluation is to hide the same tokens.</summary>
    public const long EvaluationStep = -1;

    /// <summary>Of the tokens that are not special, how many are predicted.</summary>
    public const double Share = 0.15;

    private const double MaskedShare = 0.8, RandomShare = 0.1;
    private const int PositionBits = 20;
    private const uint Predicted = (uint)(Share * 4294967296.0), Masked = (uint)(MaskedShare * 4294967296.0);
    private const uint MaskedOrRandom = (uint)((MaskedShare + RandomShare) * 4294967296.0);

    private readonly (uint Key0, uint Key1) _key;
    private readonly int _mask, _vocabularySize;
    private readonly int[] _special;            // rising

    /// <param name="special">Ids that are neither hidden nor drawn.</param>
    public TokenMask(int mask, IEnumerable<int> special, int vocabularySize, ulong seed)
    {
        _key = Philox.Key(seed, RandomStream.Masking);
        (_mask, _vocabularySize) = (mask, vocabularySize);
        _special = [.. special.Append(mask).Distinct().Order()];
    }

    /// <exception cref="RunException">Exit 3: the tokenizer lacks a mask, or an end of its texts.</exception>
    public static TokenMask Of(Tokenizer tokenizer, ulong seed)
    {
        int?[] special = [tokenizer.Bos, tokenizer.Eos, tokenizer.Pad, tokenizer.Unknown];
        if (tokenizer.Bos is null || tokenizer.Eos is null || tokenizer.Mask is not { } mask)
            throw new RunException(
                ExitCode.Config,
                "tokenizer: it has no "
                + (tokenizer.Mask is null ? "mask" : tokenizer.Bos is null ? "begin of text" : "end of text")
                + ", which masked models need. Take one with <s>, </s> and <mask>.");
        return new TokenMask(mask, special.OfType<int>(), tokenizer.VocabularySize, seed);
    }

    /// <summary>Hides tokens of a batch of whole sentences; what each was becomes its target.</summary>
    internal void Hide(Batch batch, long step)
    {
        for (int segment = 0; segment < batch.SegmentCount; segment++)
        {
            int start = batch.Segments[2 * segment], end = batch.Segments[(2 * segment) + 1];
            ulong sample = (ulong)batch.Samples[segment];
            for (int row = start; row < end; row++)
            {
                int token = batch.TokenIds[row];
                ulong place = ((ulong)step << PositionBits) | (uint)(row - start);
                var (chosen, kind, piece, _) = Philox.Block(
                    _key.Key0, _key.Key1, (uint)place, (uint)(place >> 32), (uint)sample, (uint)(sample >> 32));
                if (chosen < Predicted && Array.BinarySearch(_special, token) < 0)
                    batch.Hide(row, segment, kind < Masked ? _mask : kind < MaskedOrRandom ? Ordinary(piece) : token);
            }
        }
    }

    /// <summary>A piece that is not special, each equally likely.</summary>
    private int Ordinary(uint random)
    {
        int piece = (int)((ulong)random * (uint)(_vocabularySize - _special.Length) >> 32);
        foreach (int special in _special)
            if (piece >= special)
                piece++;
        return piece;
    }
}
