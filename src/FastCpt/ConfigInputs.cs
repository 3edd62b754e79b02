using System.Collections;
using System.CommandLine;
using FastCpt.Engine.Config;

namespace FastCpt;

/// <summary>The files and settings of a verb that reads a configuration.</summary>
internal sealed class ConfigInputs
{
    private readonly Argument<string[]> _files = new("config")
    {
        Description = "YAML or JSON files, a run.json included; later ones win.",
        Arity = ArgumentArity.OneOrMore,
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

    /// <summary>Files, then FASTCPT_ variables, then settings.</summary>
    public ConfigLayers Layers(ParseResult parse)
    {
        var layers = new ConfigLayers();
        foreach (string file in parse.GetRequiredValue(_files))
            layers.AddFile(file);
        layers.AddEnvironment(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? "")));
        foreach (string setting in parse.GetValue(_settings) ?? [])
            layers.AddSetting(setting);
        return layers;
    }
}
