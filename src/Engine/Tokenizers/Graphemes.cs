namespace FastCpt.Engine.Tokenizers;

/// <summary>Extended grapheme clusters of UAX 29: what a reader takes for one character.</summary>
/// <remarks>
/// Without rule GB9c (conjuncts of Indian scripts): the only user looks at clusters below 6 bytes as a whole, and those
/// that the rule joins are longer on both sides of it.
/// </remarks>
internal static class Graphemes
{
    /// <summary>The end of the cluster that starts at a position.</summary>
    public static int End(ReadOnlySpan<byte> text, int start)
    {
        var previous = ClassAt(text, start, out int length);
        int at = start + length, indicators = previous == GraphemeClass.RegionalIndicator ? 1 : 0;
        bool pictograph = previous == GraphemeClass.Pictographic, joined = false;
        for (; at < text.Length; at += length)
        {
            var next = ClassAt(text, at, out length);
            bool emoji = joined && next == GraphemeClass.Pictographic;
            bool flag = next == GraphemeClass.RegionalIndicator && previous == next && indicators % 2 == 1;
            if (!emoji && !flag && IsBreak(previous, next))
                break;
            joined = pictograph && next == GraphemeClass.ZeroWidthJoiner;
            pictograph = next == GraphemeClass.Pictographic || (pictograph && next == GraphemeClass.Extend);
            indicators = next == GraphemeClass.RegionalIndicator ? indicators + 1 : 0;
            previous = next;
        }
        return at;
    }

    /// <summary>Rules GB3 to GB9b and GB999.</summary>
    private static bool IsBreak(GraphemeClass left, GraphemeClass right)
    {
        if (left == GraphemeClass.CarriageReturn && right == GraphemeClass.LineFeed)
            return false;
        if (IsControl(left) || IsControl(right))
            return true;
        bool syllable = left switch
        {
            GraphemeClass.HangulL => right is GraphemeClass.HangulL or GraphemeClass.HangulV or GraphemeClass.HangulLV
                or GraphemeClass.HangulLVT,
            GraphemeClass.HangulLV or GraphemeClass.HangulV => right is GraphemeClass.HangulV or GraphemeClass.HangulT,
            GraphemeClass.HangulLVT or GraphemeClass.HangulT => right is GraphemeClass.HangulT,
            _ => false,
        };
        return !syllable && left != GraphemeClass.Prepend
            && right is not (GraphemeClass.Extend or GraphemeClass.ZeroWidthJoiner or GraphemeClass.SpacingMark);
    }

    private static bool IsControl(GraphemeClass value) =>
        value is GraphemeClass.Control or GraphemeClass.CarriageReturn or GraphemeClass.LineFeed;

    private static GraphemeClass ClassAt(ReadOnlySpan<byte> text, int at, out int length) =>
        Utf8Text.Decode(text, at, out length) is >= 0 and var codePoint
            ? (GraphemeClass)UnicodeTable.Graphemes[codePoint]
            : GraphemeClass.Other;
}
