using System.Text;

namespace FastCpt.Engine.Config;

/// <summary>The word of a value in configurations, results and lines to read: L2Sp is l2_sp.</summary>
public static class EnumWord
{
    public static string Of<T>(T value)
        where T : struct, Enum
    {
        var word = new StringBuilder();
        foreach (char letter in value.ToString())
        {
            if (char.IsAsciiLetterUpper(letter) && word.Length > 0)
                word.Append('_');
            word.Append(char.ToLowerInvariant(letter));
        }

        return word.ToString();
    }

    /// <returns>Null where no value has the word.</returns>
    public static T? Find<T>(string word)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
            if (Of(value) == word)
                return value;
        return null;
    }
}
