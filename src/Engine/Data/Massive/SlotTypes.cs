namespace FastCpt.Engine.Data.Massive;

/// <summary>The 55 slot types of MASSIVE in ordinal order: what label ids are made of.</summary>
public static class SlotTypes
{
    public static IReadOnlyList<string> Names { get; } =
    [
        "alarm_type", "app_name", "artist_name", "audiobook_author", "audiobook_name", "business_name",
        "business_type", "change_amount", "coffee_type", "color_type", "cooking_type", "currency_name", "date",
        "definition_word", "device_type", "drink_type", "email_address", "email_folder", "event_name", "food_type",
        "game_name", "game_type", "general_frequency", "house_place", "ingredient", "joke_type", "list_name",
        "meal_type", "media_type", "movie_name", "movie_type", "music_album", "music_descriptor", "music_genre",
        "news_topic", "order_type", "person", "personal_info", "place_name", "player_setting", "playlist_name",
        "podcast_descriptor", "podcast_name", "radio_name", "relation", "song_name", "sport_type", "time", "time_zone",
        "timeofday", "transport_agency", "transport_descriptor", "transport_name", "transport_type",
        "weather_descriptor",
    ];

    private static readonly Dictionary<string, int> Indices =
        Names.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);

    /// <returns>The index of a type; null where there is none of the name.</returns>
    public static int? Find(string name) => Indices.TryGetValue(name, out int index) ? index : null;
}
