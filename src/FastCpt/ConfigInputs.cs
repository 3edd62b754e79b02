using System.Collections;
using System.CommandLine;
using FastCpt.Engine.Config;

namespace FastCpt;

/// <summary>The files and settings of a verb that reads a configuration.</summary>
/// <param name="isRequired">Whether there has to be a file.</param>
internal sealed class ConfigInputs(bool isRequired = true)
{
    private readonly Argument<string[]> _files = new("config")
    {
        Description = "YAML or JSON files, a run.json included; later ones win.",
        Arity = isRequired ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string[]> _settings = new("--set")
    {
        Description = "A key and its value, such as --set training.max_steps=100; may be given often.",
        HelpName = "key=value",
    };

    public void AddTo(Command verb)
    {
        verb.Add(_files);
        verb.Add(_settings);
    }

    public bool HasFiles(ParseResult parse) => parse.GetValue(_files) is { Length: > 0 };

    /// <summary>Files, then FASTCPT_ variables, then settings.</summary>
    public ConfigLayers Layers(ParseResult parse)
    {
        var layers = new ConfigLayers();
        foreach (string file in parse.GetValue(_files) ?? [])
            layers.AddFile(file);
        layers.AddEnvironment(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? "")));
        foreach (string setting in parse.GetValue(_settings) ?? [])
            layers.AddSetting(setting);
        return layers;
    }
}
