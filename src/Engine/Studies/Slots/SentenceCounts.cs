using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Sentences of a language that a study trains on, chooses epochs by, and scores.</summary>
public sealed record SentenceCounts(long Train, long Dev, long Test)
{
    /// <summary>Of every locale of MASSIVE 1.1. lora-sharing.md 2.1.</summary>
    public static SentenceCounts Massive { get; } = new(11_514, 2_033, 2_974);

    /// <summary>What a whole file comes to where a study takes the first rows of it.</summary>
    internal SentenceCounts FirstOf(SlotDataConfig data)
    {
        return new SentenceCounts(First(Train, data.TrainRows), First(Dev, data.DevRows), First(Test, data.TestRows));

        static long First(long all, int most) => most > 0 ? Math.Min(all, most) : all;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Train:N0} / {Dev:N0} / {Test:N0}");

    internal JsonObject ToJson() => new() { ["train"] = Train, ["dev"] = Dev, ["test"] = Test };

    /// <exception cref="FormatException">A value is no count.</exception>
    internal static SentenceCounts Read(JsonElement counts) => new(
        ResultValues.Count(counts, "train"), ResultValues.Count(counts, "dev"), ResultValues.Count(counts, "test"));
}
