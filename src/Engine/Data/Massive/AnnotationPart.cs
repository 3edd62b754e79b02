namespace FastCpt.Engine.Data.Massive;

/// <summary>A stretch of a sentence that is in one slot, or between slots.</summary>
/// <param name="Text">Never empty.</param>
/// <param name="Type">Index into <see cref="SlotTypes.Names"/>, or <see cref="Outside"/>.</param>
public readonly record struct AnnotationPart(string Text, int Type)
{
    public const int Outside = -1;
}
