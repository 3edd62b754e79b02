namespace FastCpt.Engine.Evaluation;

/// <summary>Where spans begin and end in a sequence of labels.</summary>
public enum SlotScoring
{
    /// <summary>As conlleval and seqeval: an I that continues nothing begins a span.</summary>
    Default,

    /// <summary>IOB2 taken strictly: an I that continues nothing is outside.</summary>
    Strict,

    /// <summary>Bare types: neighbours of one type are one span, an ignored place is as the one before it.</summary>
    Official,
}
