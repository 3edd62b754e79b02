using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Reads text with slots marked in it: wake me up at [time : five am].</summary>
public static class Annotation
{
    private const string Separator = " : ";

    /// <summary>The parts of a text from left to right.</summary>
    /// <param name="place">What errors name: file and line.</param>
    /// <exception cref="RunException">Exit 3: nested, unclosed or empty marks, or an unknown type.</exception>
    public static AnnotationPart[] Parse(string text, string place)
    {
        var parts = new List<AnnotationPart>();
        for (int at = 0; at < text.Length;)
        {
            int open = text.IndexOf('[', at), close = text.IndexOf(']', at);
            if (open < 0 || (close >= 0 && close < open))
            {
                if (close >= 0)
                    throw Refuse(place, text, close, "']' closes no slot");
                parts.Add(new AnnotationPart(text[at..], AnnotationPart.Outside));
                break;
            }

            if (open > at)
                parts.Add(new AnnotationPart(text[at..open], AnnotationPart.Outside));
            parts.Add(Slot(text, open, close, place));
            at = close + 1;
        }

        return [.. parts];
    }

    /// <summary>The text without marks.</summary>
    public static string Strip(IReadOnlyList<AnnotationPart> parts)
    {
        var text = new StringBuilder();
        foreach (AnnotationPart part in parts)
            text.Append(part.Text);
        return text.ToString();
    }

    private static AnnotationPart Slot(string text, int open, int close, string place)
    {
        int nested = text.IndexOf('[', open + 1);
        if (close < 0 || (nested >= 0 && nested < close))
            throw Refuse(place, text, open, close < 0 ? "'[' is not closed" : "'[' opens a slot within a slot");
        string inside = text[(open + 1)..close];
        int separator = inside.IndexOf(Separator, StringComparison.Ordinal);
        if (separator < 0)
            throw Refuse(place, text, open, "a slot has the form [type : words]; there is no ' : '");
        string type = inside[..separator], value = inside[(separator + Separator.Length)..];
        if (SlotTypes.Find(type) is not { } index)
            throw Refuse(place, text, open, $"'{YamlNode.Shown(type)}' is none of the {SlotTypes.Names.Count} slot "
                + "types of MASSIVE 1.1");
        if (string.IsNullOrWhiteSpace(value))
            throw Refuse(place, text, open, "the slot has no words");
        return new AnnotationPart(value, index);
    }

    private static RunException Refuse(string place, string text, int at, string what) =>
        new(ExitCode.Config, $"{place}: annot_utt, character {at + 1}: {what}, in '{YamlNode.Shown(text)}'.");
}
