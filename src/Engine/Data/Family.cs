namespace FastCpt.Engine.Data;

/// <summary>A family of languages: those an expert is trained on and relatives that only show transfer.</summary>
public sealed record Family(string Name, IReadOnlyList<string> HeldIn, IReadOnlyList<string> HeldOut)
{
    /// <summary>The five families of arXiv:2606.00284: 32 languages held in, 22 held out (family-cpt.md 2.1).</summary>
    /// <remarks>
    /// The order is the order in which texts are concatenated. "slavic" holds out two Baltic languages, "indic" mixes
    /// Indo-Aryan and Dravidian; German, named in the authors' code, is not in their results and not here.
    /// </remarks>
    public static IReadOnlyList<Family> OfThePaper { get; } =
    [
        new("slavic", Codes("mk hr ru sk sr uk"), Codes("bg cs pl sl lt lv")),
        new("germanic", Codes("af fy lb da nl en"), Codes("sv no is")),
        new("indic", Codes("bn hi kn ml mr ne ta te"), Codes("as gu or pa si ur sd")),
        new("austronesian", Codes("sm jv ceb fil id ms"), Codes("ilo war mg mi su")),
        new("romance", Codes("es pt fr gl it ro"), Codes("ca")),
    ];

    private static string[] Codes(string codes) => codes.Split(' ');
}
