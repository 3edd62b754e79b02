namespace FastCpt.Engine.Tokenizers;

/// <summary>What split patterns ask of a character; one bit each, so that a set is a mask.</summary>
[Flags]
internal enum CharacterClass : byte
{
    /// <summary>Everything else: punctuation, symbols, controls, unassigned, bytes that are not UTF-8.</summary>
    Other = 0,

    /// <summary>\p{Lu} and \p{Lt}.</summary>
    Upper = 1,

    /// <summary>\p{Ll}.</summary>
    Lower = 2,

    /// <summary>\p{Lm} and \p{Lo}.</summary>
    OtherLetter = 4,

    /// <summary>\p{L}.</summary>
    Letter = Upper | Lower | OtherLetter,

    /// <summary>\p{M}.</summary>
    Mark = 8,

    /// <summary>\p{N}.</summary>
    Number = 16,

    /// <summary>\s, the property White_Space.</summary>
    Space = 32,

    /// <summary>[\r\n]; these are spaces as well.</summary>
    NewLine = 64,
}
