namespace FastCpt.Engine.Data;

/// <summary>Where a document of a language goes.</summary>
public enum Side : byte
{
    /// <summary>Nowhere: other languages train on the translation of this document of a held-out language.</summary>
    Unused,
    Training,
    Validation,
}

/// <summary>Splits a language's documents into training and validation.</summary>
/// <remarks>
/// A document with an id is validation where Side / 2⁶⁴ &lt; share: by its id and the seed alone, so that parallel text
/// is on one side in all languages and in all families; the share is met in expectation. Of a language's documents
/// without an id, those with the smallest Side are validation: the share of them to the nearest document, at least one
/// of two or more. Copies of one text stay together. A budget does not move a document to another side.
/// A held-out language has no training side: what has no id is validation, and what the ids put on the training side
/// is left out, because other languages train on its translation.
/// </remarks>
public static class Split
{
    public const double DefaultShare = 0.05;

    /// <summary>The one that the samples were cut by.</summary>
    public const ulong DefaultSeed = 42;

    /// <summary>The side of each document of a language.</summary>
    /// <param name="share">Of validation documents, in [0, 1).</param>
    public static Side[] Of(IReadOnlyList<DocumentKey> keys, double share, bool heldOut)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(share, 1);
        var threshold = (ulong)(share * 18446744073709551616.0);    // share · 2⁶⁴, below it since share < 1
        ulong? ranked = LargestValidation(keys, share);
        var sides = new Side[keys.Count];
        for (int i = 0; i < sides.Length; i++)
        {
            bool isValidation = keys[i].HasId ? keys[i].Side < threshold : heldOut || keys[i].Side <= ranked;
            sides[i] = isValidation ? Side.Validation : heldOut ? Side.Unused : Side.Training;
        }

        return sides;
    }

    /// <summary>The largest Side of a validation document without an id; null where there is none.</summary>
    private static ulong? LargestValidation(IReadOnlyList<DocumentKey> keys, double share)
    {
        var ranks = new List<ulong>();
        foreach (DocumentKey key in keys)
            if (!key.HasId)
                ranks.Add(key.Side);
        var count = (int)Math.Round(share * ranks.Count, MidpointRounding.AwayFromZero);
        if (count == 0 && share > 0 && ranks.Count > 1)
            count = 1;
        ranks.Sort();
        return count == 0 ? null : ranks[count - 1];
    }
}
