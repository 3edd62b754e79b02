using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data.Massive;

/// <summary>What groups and orders of languages are made of.</summary>
/// <param name="Code">As MASSIVE writes it: sl-SL is Slovenian.</param>
/// <param name="Branch">The family itself where it is not divided here.</param>
/// <param name="JoshiClass">Amount of resources, 0 to 5 (Joshi et al. 2020).</param>
public sealed record MassiveLocale(
    string Code, string Language, string Script, string Family, string Branch, int JoshiClass)
{
    /// <summary>The 52 of release 1.1, by code.</summary>
    public static IReadOnlyList<MassiveLocale> All { get; } =
    [
        new("af-ZA", "Afrikaans", "Latin", "Indo-European", "Germanic", 3),
        new("am-ET", "Amharic", "Ethiopic", "Afro-Asiatic", "Semitic", 2),
        new("ar-SA", "Arabic", "Arabic", "Afro-Asiatic", "Semitic", 5),
        new("az-AZ", "Azerbaijani", "Latin", "Turkic", "Turkic", 1),
        new("bn-BD", "Bengali", "Bengali", "Indo-European", "Indo-Aryan", 3),
        new("ca-ES", "Catalan", "Latin", "Indo-European", "Romance", 4),
        new("cy-GB", "Welsh", "Latin", "Indo-European", "Celtic", 1),
        new("da-DK", "Danish", "Latin", "Indo-European", "Germanic", 3),
        new("de-DE", "German", "Latin", "Indo-European", "Germanic", 5),
        new("el-GR", "Greek", "Greek", "Indo-European", "Hellenic", 3),
        new("en-US", "English", "Latin", "Indo-European", "Germanic", 5),
        new("es-ES", "Spanish", "Latin", "Indo-European", "Romance", 5),
        new("fa-IR", "Persian", "Arabic", "Indo-European", "Iranian", 4),
        new("fi-FI", "Finnish", "Latin", "Uralic", "Finnic", 4),
        new("fr-FR", "French", "Latin", "Indo-European", "Romance", 5),
        new("he-IL", "Hebrew", "Hebrew", "Afro-Asiatic", "Semitic", 3),
        new("hi-IN", "Hindi", "Devanagari", "Indo-European", "Indo-Aryan", 4),
        new("hu-HU", "Hungarian", "Latin", "Uralic", "Ugric", 4),
        new("hy-AM", "Armenian", "Armenian", "Indo-European", "Armenian", 1),
        new("id-ID", "Indonesian", "Latin", "Austronesian", "Austronesian", 3),
        new("is-IS", "Icelandic", "Latin", "Indo-European", "Germanic", 2),
        new("it-IT", "Italian", "Latin", "Indo-European", "Romance", 4),
        new("ja-JP", "Japanese", "Japanese", "Japonic", "Japonic", 5),
        new("jv-ID", "Javanese", "Latin", "Austronesian", "Austronesian", 1),
        new("ka-GE", "Georgian", "Georgian", "Kartvelian", "Kartvelian", 3),
        new("km-KH", "Khmer", "Khmer", "Austroasiatic", "Austroasiatic", 1),
        new("kn-IN", "Kannada", "Kannada", "Dravidian", "Dravidian", 1),
        new("ko-KR", "Korean", "Hangul", "Koreanic", "Koreanic", 4),
        new("lv-LV", "Latvian", "Latin", "Indo-European", "Baltic", 3),
        new("ml-IN", "Malayalam", "Malayalam", "Dravidian", "Dravidian", 1),
        new("mn-MN", "Mongolian", "Cyrillic", "Mongolic", "Mongolic", 1),
        new("ms-MY", "Malay", "Latin", "Austronesian", "Austronesian", 3),
        new("my-MM", "Burmese", "Myanmar", "Sino-Tibetan", "Sino-Tibetan", 1),
        new("nb-NO", "Norwegian Bokmål", "Latin", "Indo-European", "Germanic", 1),
        new("nl-NL", "Dutch", "Latin", "Indo-European", "Germanic", 4),
        new("pl-PL", "Polish", "Latin", "Indo-European", "Slavic", 4),
        new("pt-PT", "Portuguese", "Latin", "Indo-European", "Romance", 4),
        new("ro-RO", "Romanian", "Latin", "Indo-European", "Romance", 3),
        new("ru-RU", "Russian", "Cyrillic", "Indo-European", "Slavic", 4),
        new("sl-SL", "Slovenian", "Latin", "Indo-European", "Slavic", 3),
        new("sq-AL", "Albanian", "Latin", "Indo-European", "Albanian", 1),
        new("sv-SE", "Swedish", "Latin", "Indo-European", "Germanic", 4),
        new("sw-KE", "Swahili", "Latin", "Niger-Congo", "Bantu", 2),
        new("ta-IN", "Tamil", "Tamil", "Dravidian", "Dravidian", 3),
        new("te-IN", "Telugu", "Telugu", "Dravidian", "Dravidian", 1),
        new("th-TH", "Thai", "Thai", "Kra-Dai", "Kra-Dai", 3),
        new("tl-PH", "Tagalog", "Latin", "Austronesian", "Austronesian", 3),
        new("tr-TR", "Turkish", "Latin", "Turkic", "Turkic", 4),
        new("ur-PK", "Urdu", "Arabic", "Indo-European", "Indo-Aryan", 3),
        new("vi-VN", "Vietnamese", "Latin", "Austroasiatic", "Austroasiatic", 4),
        new("zh-CN", "Chinese (Mandarin)", "Han simplified", "Sino-Tibetan", "Sino-Tibetan", 5),
        new("zh-TW", "Chinese (Mandarin)", "Han traditional", "Sino-Tibetan", "Sino-Tibetan", 5),
    ];

    private static readonly Dictionary<string, MassiveLocale> ByCode =
        All.ToDictionary(locale => locale.Code, StringComparer.Ordinal);

    public bool IsLatin => Script == "Latin";

    /// <summary>Written without spaces, so that characters are the words.</summary>
    public bool SplitsCharacters => Code is "ja-JP" or "zh-CN" or "zh-TW";

    /// <exception cref="RunException">Exit 3: MASSIVE has no such locale.</exception>
    public static MassiveLocale Of(string code) => ByCode.TryGetValue(code, out MassiveLocale? locale)
        ? locale
        : throw new RunException(ExitCode.Config,
            $"'{YamlNode.Shown(code)}' is none of the {All.Count} locales of MASSIVE 1.1, such as "
            + "en-US, zh-CN, sl-SL.");
}
