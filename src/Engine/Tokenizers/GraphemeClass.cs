namespace FastCpt.Engine.Tokenizers;

/// <summary>Grapheme cluster break classes of UAX 29, and Extended_Pictographic.</summary>
internal enum GraphemeClass : byte
{
    Other,
    CarriageReturn,
    LineFeed,
    Control,
    Extend,
    ZeroWidthJoiner,
    Prepend,
    SpacingMark,
    RegionalIndicator,
    HangulL,
    HangulV,
    HangulT,
    HangulLV,
    HangulLVT,
    Pictographic,
}
