using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>One JSON file in the folder of a state, written whole or not at all.</summary>
internal static class StateFile
{
    /// <param name="what">What the file should say, for the message.</param>
    /// <exception cref="RunException">Exit 3: the file cannot be read, or a value is missing or of another kind.
    /// </exception>
    public static T Load<T>(string path, string what, Func<JsonElement, T> read)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config);
        try
        {
            return read(json.RootElement);
        }
        catch (Exception exception)
            when (exception is InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: does not say {what}: {exception.Message}", exception);
        }
    }

    /// <exception cref="RunException">Exit 6: the file could not be written.</exception>
    public static void Write(string path, JsonObject json, FileSystem files) =>
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(ConfigText.Json(json)), files);
}
