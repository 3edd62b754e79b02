using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>A value in a JSON file that knows where it stands, so that every refusal names the place.</summary>
internal readonly struct JsonPlace(JsonElement value, string file, string where)
{
    public JsonElement Value => value;

    /// <summary>File and path inside it.</summary>
    public string Name => $"{file}: {where}";

    public bool IsNull => value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>The value under a key, or a null.</summary>
    public JsonPlace this[string key]
    {
        get
        {
            if (value.ValueKind != JsonValueKind.Object)
                throw Refuse($"is {Kind}, expected an object");
            return new JsonPlace(value.TryGetProperty(key, out var found) ? found : default, file, $"{where}.{key}");
        }
    }

    private string Kind => value.ValueKind switch
    {
        JsonValueKind.Undefined => "missing",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };

    public string Text => value.ValueKind == JsonValueKind.String
        ? value.GetString()!    // not null: the kind is String
        : throw Refuse($"is {Kind}, expected a string");

    public double Number => value.ValueKind == JsonValueKind.Number
        ? value.GetDouble()
        : throw Refuse($"is {Kind}, expected a number");

    /// <summary>A whole number from 0 to a largest value.</summary>
    public int Integer(int largest) => value.ValueKind == JsonValueKind.Number
        && value.TryGetInt32(out int number) && number >= 0 && number <= largest
            ? number
            : throw Refuse($"is {Raw}, expected a whole number from 0 to {largest}");

    /// <summary>True or false; what is missing or null has a value that its format gives it.</summary>
    public bool Flag(bool missing) => IsNull ? missing : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Refuse($"is {Kind}, expected true or false"),
    };

    public IEnumerable<JsonPlace> Items()
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw Refuse($"is {Kind}, expected a list");
        return List(value, file, where);

        static IEnumerable<JsonPlace> List(JsonElement array, string file, string where)
        {
            int index = 0;
            foreach (JsonElement item in array.EnumerateArray())
                yield return new JsonPlace(item, file, $"{where}[{index++}]");
        }
    }

    public IEnumerable<(string Key, JsonPlace Value)> Entries()
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw Refuse($"is {Kind}, expected an object");
        return List(value, file, where);

        static IEnumerable<(string, JsonPlace)> List(JsonElement map, string file, string where)
        {
            foreach (JsonProperty entry in map.EnumerateObject())
                yield return (entry.Name, new JsonPlace(entry.Value, file, $"{where}.{entry.Name}"));
        }
    }

    /// <summary>Refuses an object with a key that changes ids in a way that is not known here.</summary>
    public void AllowKeys(params ReadOnlySpan<string> known)
    {
        foreach (var (key, place) in Entries())
            if (!known.Contains(key))
                throw place.Refuse($"is not a known key here; expected {string.Join(", ", known.ToArray())}");
    }

    /// <summary>Refuses a value other than null, false, 0 or the empty string.</summary>
    public void MustBeOff()
    {
        bool off = IsNull || value.ValueKind == JsonValueKind.False
            || (value.ValueKind == JsonValueKind.String && value.GetString()!.Length == 0)   // not null: a String
            || (value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0);
        if (!off)
            throw Refuse($"is {Raw}, which is not supported; expected null");
    }

    public RunException Refuse(string what) => new(ExitCode.ModelFile, $"{Name} {what}.");

    private string Raw
    {
        get
        {
            string raw = value.ValueKind == JsonValueKind.Undefined ? "missing" : value.GetRawText();
            return raw.Length <= 200 ? raw : raw[..200] + "...";
        }
    }
}
