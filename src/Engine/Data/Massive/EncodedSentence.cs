namespace FastCpt.Engine.Data.Massive;

/// <summary>One sentence as pieces.</summary>
/// <param name="Row">Of the locale's file.</param>
/// <param name="Tokens">Begin, pieces, end.</param>
/// <param name="WordTokens">By word, where among the tokens its first piece stands; −1 where it has none.</param>
/// <param name="Labels">By word.</param>
/// <param name="CutWords">Words that truncation took whole.</param>
internal sealed record EncodedSentence(int Row, int[] Tokens, int[] WordTokens, int[] Labels, int CutWords);
