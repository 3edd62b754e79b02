namespace FastCpt.Engine.Parameters;

/// <summary>The layers from Start up to, and without, End; counted from 0.</summary>
public readonly record struct LayerRange(int Start, int End)
{
    public int Count => End - Start;

    public bool IsEmpty => End <= Start;

    public bool Contains(int layer) => layer >= Start && layer < End;

    public override string ToString() => IsEmpty ? "none" : Count == 1 ? $"{Start}" : $"{Start} to {End - 1}";
}
