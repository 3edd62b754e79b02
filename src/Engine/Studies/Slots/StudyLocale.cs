using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>A language of a study: what it is grouped by, and what its sentences are like to the encoder.</summary>
/// <param name="MajorityF1">Of test sentences, each word labelled as it is most often in training.</param>
/// <param name="Fertility">Pieces per word of the training sentences.</param>
/// <param name="UnknownShare">Of the pieces of its test sentences, those that the encoder does not know.</param>
/// <param name="DroppedPieces">Of dev and test sentences, which trimming of the vocabulary made unknown.</param>
/// <param name="CutWords">Of all sentences, beyond the longest that is allowed; they count as outside.</param>
/// <param name="WordsWithoutPieces">Of all sentences, of which the tokenizer makes nothing; they count as outside.
/// </param>
/// <param name="Overlaps">With the other languages on average, by measure.</param>
public sealed record StudyLocale(
    string Code, string Script, string Family, int JoshiClass, double MajorityF1, double? Fertility,
    double? UnknownShare, long DroppedPieces, long CutWords, long WordsWithoutPieces,
    IReadOnlyDictionary<string, double?> Overlaps)
{
    /// <summary>Null in files that were written without them.</summary>
    public SentenceCounts? Sentences { get; init; }

    /// <summary>All that is correlated with transfer, by name.</summary>
    public IEnumerable<KeyValuePair<string, double?>> Measures =>
        [.. Overlaps, new("pieces per word", Fertility), new("unknown pieces", UnknownShare)];

    internal JsonObject ToJson() => new()
    {
        ["code"] = Code,
        ["script"] = Script,
        ["family"] = Family,
        ["joshi_class"] = JoshiClass,
        ["sentences"] = Sentences?.ToJson(),
        ["majority_f1"] = MajorityF1,
        ["fertility"] = Fertility,
        ["unknown_share"] = UnknownShare,
        ["dropped_pieces"] = DroppedPieces,
        ["cut_words"] = CutWords,
        ["words_without_pieces"] = WordsWithoutPieces,
        ["overlaps"] = new JsonObject(Overlaps.Select(
            pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
    };

    /// <exception cref="FormatException">A value is not what it has to be.</exception>
    internal static StudyLocale Read(JsonElement locale) => new(
        ResultValues.Text(locale, "code"), ResultValues.Text(locale, "script"), ResultValues.Text(locale, "family"),
        (int)ResultValues.Count(locale, "joshi_class", 5), ResultValues.Share(locale.GetProperty("majority_f1")),
        ResultValues.Number(locale.GetProperty("fertility")),
        locale.GetProperty("unknown_share") is var unknown && unknown.ValueKind == JsonValueKind.Null
            ? null : ResultValues.Share(unknown),
        ResultValues.Count(locale, "dropped_pieces"), ResultValues.Count(locale, "cut_words"),
        ResultValues.Count(locale, "words_without_pieces"),
        locale.GetProperty("overlaps").EnumerateObject().ToDictionary(
            one => one.Name, one => ResultValues.Number(one.Value)))
    {
        Sentences = locale.TryGetProperty("sentences", out JsonElement sentences)
            && sentences.ValueKind != JsonValueKind.Null ? SentenceCounts.Read(sentences) : null,
    };
}
