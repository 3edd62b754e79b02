using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Orders in which languages are learned, by name.</summary>
/// <remarks>
/// p1, p2 and p3 are drawn from the 52 codes and keep only those that are asked for; they are this project's own.
/// </remarks>
public static class LanguageOrder
{
    /// <summary>Languages that are said to harm others, in the order in which they are moved.</summary>
    public static IReadOnlyList<string> Destructive { get; } = ["zh-CN", "ja-JP", "th-TH"];

    public static IReadOnlyList<string> Names { get; } =
    [
        "p1", "p2", "p3", "alphabetical", "destructive_first", "destructive_middle", "destructive_last", "latin_only",
        "by_script", "by_joshi",
    ];

    /// <summary>The locales in the order of a name.</summary>
    /// <param name="locales">Those that take part; the others of destructive_* and latin_only keep this order.</param>
    /// <exception cref="RunException">
    /// Exit 3: no such order or locale, a locale twice, or an order without the languages that it is about.
    /// </exception>
    public static IReadOnlyList<string> Of(string name, IReadOnlyList<string> locales)
    {
        MassiveLocale[] known = [.. locales.Select(MassiveLocale.Of)];
        if (known.Distinct().Count() != known.Length || known.Length == 0)
            throw new RunException(ExitCode.Config, $"order '{name}': a locale is there twice, or there is none.");
        return name switch
        {
            "p1" => Kept(Drawn(1)),
            "p2" => Kept(Drawn(2)),
            "p3" => Kept(Drawn(3)),
            "alphabetical" => [.. locales.Order(StringComparer.Ordinal)],
            "destructive_first" => Moved(rest => 0),
            "destructive_middle" => Moved(rest => rest / 2),
            "destructive_last" => Moved(rest => rest),
            "latin_only" => NotEmpty([.. known.Where(locale => locale.IsLatin).Select(locale => locale.Code)]),
            "by_script" => Sorted(locale => locale.Script),
            "by_joshi" => Sorted(locale => $"{9 - locale.JoshiClass}"),     // richest first
            _ => throw new RunException(ExitCode.Config,
                $"'{YamlNode.Shown(name)}' is no order of languages; expected one of {string.Join(", ", Names)}, or a "
                + "list of locales."),
        };

        string[] Kept(IEnumerable<string> order) => [.. order.Where(locales.Contains)];

        string[] Sorted(Func<MassiveLocale, string> key) =>
        [
            .. known.OrderBy(key, StringComparer.Ordinal).ThenBy(locale => locale.Code, StringComparer.Ordinal)
                .Select(locale => locale.Code),
        ];

        string[] Moved(Func<int, int> place)
        {
            string[] moved = NotEmpty([.. Destructive.Where(locales.Contains)]);
            string[] rest = [.. locales.Where(code => !Destructive.Contains(code))];
            int before = place(rest.Length);
            return [.. rest[..before], .. moved, .. rest[before..]];
        }

        string[] NotEmpty(string[] order) => order.Length > 0
            ? order
            : throw new RunException(ExitCode.Config, $"order '{name}': none of the study's locales is in it.");
    }

    /// <summary>Fisher and Yates's shuffle of the 52 codes, from the last place down, with SplitMix64.</summary>
    private static string[] Drawn(ulong seed)
    {
        string[] codes = [.. MassiveLocale.All.Select(locale => locale.Code)];
        var random = new SplitMix64(seed);
        for (int i = codes.Length - 1; i > 0; i--)
        {
            int j = (int)(random.Next() % (ulong)(i + 1));
            (codes[i], codes[j]) = (codes[j], codes[i]);
        }

        return codes;
    }
}
