using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Cuts annotated sentences into words with labels.</summary>
/// <remarks>
/// Words are what white space separates. In ja-JP, zh-CN and zh-TW such a chunk is one word where it is all ASCII, else
/// each of its characters is a word. MASSIVE, scripts/create_hf_dataset.py, is the source of the official conversion.
/// </remarks>
public sealed class SlotConversion(MassiveLocale locale, LabelMode mode)
{
    private readonly bool _splits = locale.SplitsCharacters && mode != LabelMode.Space;

    public LabelMap Labels { get; } = LabelMap.Of(mode);

    /// <exception cref="RunException">Exit 3: a slot begins or ends within a word.</exception>
    public LabelledWords Convert(MassiveRow row)
    {
        var words = new List<string>();
        var labels = new List<int>();
        int leaked = AnnotationPart.Outside;
        for (int i = 0; i < row.Parts.Count; i++)
        {
            AnnotationPart part = row.Parts[i];
            if (!locale.SplitsCharacters && i > 0)
                RequireSpace(row, row.Parts[i - 1].Text, part.Text);
            int first = words.Count, type = part.Type == AnnotationPart.Outside ? leaked : part.Type;
            string[] chunks = part.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            foreach (string chunk in chunks)
                AddWords(chunk, words);
            for (int word = first; word < words.Count; word++)
                labels.Add(Labels.Label(type, isFirst: word == first));
            if (part.Type != AnnotationPart.Outside)
                leaked = Leaks(chunks[^1]) ? part.Type : AnnotationPart.Outside;
        }

        return new LabelledWords(words, labels);
    }

    /// <summary>The public script takes the bracket off an ASCII chunk without ending the slot.</summary>
    private bool Leaks(string lastChunk) =>
        mode == LabelMode.OfficialCompat && locale.SplitsCharacters && Ascii.IsValid(lastChunk);

    private void AddWords(string chunk, List<string> words)
    {
        if (!_splits || Ascii.IsValid(chunk))
            words.Add(chunk);
        else
            foreach (Rune character in chunk.EnumerateRunes())
                words.Add(character.ToString());
    }

    private static void RequireSpace(MassiveRow row, string before, string after)
    {
        if (!char.IsWhiteSpace(before[^1]) && !char.IsWhiteSpace(after[0]))
            throw new RunException(ExitCode.Config,
                $"row '{row.Id}': a slot mark stands within a word, between '{YamlNode.Shown(before)}' and "
                + $"'{YamlNode.Shown(after)}'. Words are separated by spaces in this locale.");
    }
}
