using System.Security.Cryptography;
using System.Text;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Data.Massive;

/// <summary>The labels of a mode and their ids, the same on every run; 0 is outside.</summary>
/// <remarks>
/// With B and I: the k-th type has B = 1 + 2k and I = 2 + 2k, 111 labels. Bare types: 1 + k, 56 labels.
/// </remarks>
public sealed class LabelMap
{
    public const int Outside = 0;

    private LabelMap(bool hasPositions, string[] names)
    {
        (HasPositions, Names) = (hasPositions, names);
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', names))));
    }

    /// <summary>B- and I-labels.</summary>
    public static LabelMap Bio { get; } = new(true,
        ["O", .. SlotTypes.Names.SelectMany(type => (string[])[$"B-{type}", $"I-{type}"])]);

    /// <summary>Bare slot types and "Other".</summary>
    public static LabelMap Types { get; } = new(false, ["Other", .. SlotTypes.Names]);

    /// <summary>By id.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>K, the width of a classification head.</summary>
    public int Count => Names.Count;

    /// <summary>Labels say where a span begins.</summary>
    public bool HasPositions { get; }

    /// <summary>Of the names, one a line, in lower-case hexadecimal: what a head is bound to.</summary>
    public string Sha256 { get; }

    public static LabelMap Of(LabelMode mode) => mode is LabelMode.Bio or LabelMode.Space ? Bio : Types;

    /// <summary>The label of a word in a slot.</summary>
    /// <param name="type">Index into <see cref="SlotTypes.Names"/>, or <see cref="AnnotationPart.Outside"/>.</param>
    /// <param name="isFirst">The word is the first of its slot.</param>
    public int Label(int type, bool isFirst)
    {
        if (type == AnnotationPart.Outside)
            return Outside;
        return HasPositions ? 1 + (2 * type) + (isFirst ? 0 : 1) : 1 + type;
    }
}
