namespace FastCpt.Engine.Config;

/// <summary>Suggestions for names that are not known.</summary>
public static class NearestName
{
    /// <summary>The name that the fewest edits of a letter lead to; null if none is near.</summary>
    public static string? Of(string text, IEnumerable<string> names)
    {
        string? nearest = null;
        int best = Math.Max(2, text.Length / 3) + 1;
        foreach (string name in names)
        {
            int distance = Distance(text, name);
            if (distance < best)
                (nearest, best) = (name, distance);
        }
        return nearest;
    }

    /// <summary>The names in a sentence: `a, b or c`.</summary>
    public static string Listed(IReadOnlyList<string> names, string conjunction) => names.Count switch
    {
        0 => "nothing",
        1 => names[0],
        _ => $"{string.Join(", ", names.Take(names.Count - 1))} {conjunction} {names[^1]}",
    };

    /// <summary>Insertions, deletions, replacements and swaps of neighbours that lead from a to b.</summary>
    private static int Distance(string a, string b)
    {
        if (a.Length > 100)
            return int.MaxValue;
        var rows = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            for (int j = 0; j <= b.Length; j++)
                rows[i, j] = Math.Min(i, j) == 0 ? Math.Max(i, j) : Least(i, j);
        return rows[a.Length, b.Length];

        int Least(int i, int j)
        {
            int replaced = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            int least = Math.Min(replaced, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
            bool isSwap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            return isSwap ? Math.Min(least, rows[i - 2, j - 2] + 1) : least;
        }
    }
}
