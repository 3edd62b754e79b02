using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>The kinds of single values that configurations are made of.</summary>
internal static class ConfigTypes
{
    public static ConfigType<bool> Flag { get; } = new BooleanType();

    /// <summary>Any text that is not empty.</summary>
    public static ConfigType<string> Text { get; } = new TextType();

    /// <summary>Text that is safe as the name of a folder: a language, a family, a study.</summary>
    public static ConfigType<string> Name { get; } = new NameType();

    /// <summary>A path, full once it is read.</summary>
    public static ConfigType<string> FilePath { get; } = new PathType();

    /// <summary>The devices that a configuration may name; whether one is usable shows when it is opened.</summary>
    public static ConfigType<string> Devices { get; } = Word("auto", "cpu", "reference");

    public static ConfigType<Precision> Precisions { get; } = Choice<Precision>();

    public static ConfigType<ulong> Seeds { get; } = new SeedType();

    /// <summary>A whole number from min to max.</summary>
    public static ConfigType<int> Int(int min, int max = int.MaxValue) => new IntType(min, max);

    /// <inheritdoc cref="Int"/>
    public static ConfigType<long> Long(long min, long max = long.MaxValue) => new LongType(min, max);

    /// <summary>A finite number from min to max.</summary>
    public static ConfigType<double> Number(double min, double max = double.PositiveInfinity) =>
        new NumberType(min, max, false);

    /// <summary>A finite number above min and at most max.</summary>
    public static ConfigType<double> NumberAbove(double min, double max = double.PositiveInfinity) =>
        new NumberType(min, max, true);

    /// <summary>One of the words of an enumeration.</summary>
    public static ConfigType<T> Choice<T>()
        where T : struct, Enum =>
        new ChoiceType<T>([.. Enum.GetValues<T>().Select(value => (EnumWord.Of(value), value))]);

    /// <summary>One of some words, kept as text.</summary>
    public static ConfigType<string> Word(params string[] words) =>
        new ChoiceType<string>([.. words.Select(word => (word, word))]);

    private sealed class BooleanType : ConfigType<bool>
    {
        public override bool Read(YamlNode node, ConfigPaths paths) => node.AsBoolean();

        public override JsonNode ToJson(bool value) => JsonValue.Create(value);

        public override JsonObject Schema() => new() { ["type"] = "boolean" };
    }

    private sealed class TextType : ConfigType<string>
    {
        public override string Read(YamlNode node, ConfigPaths paths) =>
            node.AsText() is { Length: > 0 } text ? text : throw node.Error($"found {node}, expected text.");

        public override JsonNode ToJson(string value) => JsonValue.Create(value)!;

        public override JsonObject Schema() => new() { ["type"] = "string", ["minLength"] = 1 };
    }

    private sealed class NameType : ConfigType<string>
    {
        public override string Read(YamlNode node, ConfigPaths paths)
        {
            string name = node.AsText();
            bool isGood = name.Length is > 0 and <= 64 && name[0] is not ('-' or '.')
                && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
            return isGood ? name : throw node.Error(
                $"found {node}, expected a name of 1 to 64 letters a-z, digits, '-', '_' and '.', "
                + "which begins with a letter, a digit or '_'.");
        }

        public override JsonNode ToJson(string value) => JsonValue.Create(value)!;

        public override JsonObject Schema() =>
            new() { ["type"] = "string", ["pattern"] = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$" };
    }

    private sealed class PathType : ConfigType<string>
    {
        public override string Read(YamlNode node, ConfigPaths paths) => paths.Resolve(node);

        public override JsonNode ToJson(string value) => JsonValue.Create(value)!;

        public override JsonObject Schema() => new() { ["type"] = "string", ["minLength"] = 1 };
    }

    private sealed class IntType(int min, int max) : ConfigType<int>
    {
        public override int Read(YamlNode node, ConfigPaths paths) => (int)node.AsInteger(min, max);

        public override JsonNode ToJson(int value) => JsonValue.Create(value);

        public override JsonObject Schema() => new() { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max };
    }

    private sealed class LongType(long min, long max) : ConfigType<long>
    {
        public override long Read(YamlNode node, ConfigPaths paths) => node.AsInteger(min, max);

        public override JsonNode ToJson(long value) => JsonValue.Create(value);

        public override JsonObject Schema() => new() { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max };
    }

    private sealed class SeedType : ConfigType<ulong>
    {
        public override ulong Read(YamlNode node, ConfigPaths paths) => (ulong)node.AsInteger(0);

        public override JsonNode ToJson(ulong value) => JsonValue.Create((long)value);

        public override JsonObject Schema() => new() { ["type"] = "integer", ["minimum"] = 0 };
    }

    private sealed class NumberType(double min, double max, bool isMinExcluded) : ConfigType<double>
    {
        public override double Read(YamlNode node, ConfigPaths paths)
        {
            double value = node.AsNumber();
            bool isInside = value <= max && (isMinExcluded ? value > min : value >= min);
            return isInside ? value : throw node.Error($"found {node}, expected a number {Range()}.");
        }

        public override JsonNode ToJson(double value) => JsonValue.Create(value);

        public override JsonObject Schema()
        {
            var schema = new JsonObject { ["type"] = "number", [isMinExcluded ? "exclusiveMinimum" : "minimum"] = min };
            if (double.IsFinite(max))
                schema["maximum"] = max;
            return schema;
        }

        private string Range() => (isMinExcluded, double.IsFinite(max)) switch
        {
            (true, true) => $"above {min}, at most {max}",
            (true, false) => $"above {min}",
            (false, true) => $"from {min} to {max}",
            (false, false) => $"of at least {min}",
        };
    }

    private sealed class ChoiceType<T>((string Word, T Value)[] choices) : ConfigType<T>
    {
        private readonly string[] _words = [.. choices.Select(choice => choice.Word)];

        public override T Read(YamlNode node, ConfigPaths paths)
        {
            string word = node.AsText();
            int index = Array.IndexOf(_words, word);
            if (index >= 0)
                return choices[index].Value;
            string hint = NearestName.Of(word, _words) is { } nearest ? $" Did you mean '{nearest}'?" : "";
            throw node.Error($"found {node}, expected {NearestName.Listed(_words, "or")}.{hint}");
        }

        public override JsonNode ToJson(T value)
        {
            foreach (var choice in choices)
                if (EqualityComparer<T>.Default.Equals(choice.Value, value))
                    return JsonValue.Create(choice.Word)!;
            throw new ArgumentOutOfRangeException(nameof(value), value, "No word stands for this value.");
        }

        public override JsonObject Schema() =>
            new() { ["enum"] = new JsonArray([.. _words.Select(word => JsonValue.Create(word))]) };
    }
}
