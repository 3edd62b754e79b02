using System.CommandLine;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;

namespace FastCpt;

/// <summary>`fastcpt config`: shows, describes and begins configurations.</summary>
internal static class ConfigCommand
{
    public static Command Create(CommonOptions options) => new Verb("config", "Shows and describes configurations.")
    {
        Show(options),
        Schema(options),
        Init(options),
    };

    private static Verb Show(CommonOptions options)
    {
        var inputs = new ConfigInputs();
        var verb = new Verb("show", "Writes a configuration as it is used: merged, every default spelled out.")
        {
            Examples =
            [
                "fastcpt config show run.yaml",
                "fastcpt config show base.yaml run.yaml --set training.max_steps=100 --json",
            ],
        };
        inputs.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            ConfigLayers layers = inputs.Layers(parse);
            (JsonObject json, string yaml) = layers.IsAdapterStudy
                ? Shown(AdapterStudyConfig.Load(layers))
                : layers.IsStudy
                    ? Shown(StudyConfig.Load(layers))
                    : Shown(RunConfig.Load(layers));
            if (terminal.IsJson)
                terminal.Result(json);
            else
                terminal.Result(yaml.TrimEnd());
        }));
        return verb;
    }

    private static Verb Schema(CommonOptions options)
    {
        Argument<string> kind = Kind();
        var verb = new Verb("schema", "Writes the JSON Schema of configurations, for editors.")
        {
            Examples = ["fastcpt config schema > run.schema.json", "fastcpt config schema study"],
        };
        verb.Add(kind);
        verb.SetAction(parse => options.Run(parse, terminal =>
            terminal.Result((parse.GetValue(kind) switch
            {
                "adapters" => AdapterStudyConfig.Schema(),
                "study" => StudyConfig.Schema(),
                _ => RunConfig.Schema(),
            }).TrimEnd())));
        return verb;
    }

    private static Verb Init(CommonOptions options)
    {
        Argument<string> kind = Kind();
        var verb = new Verb("init", "Writes a commented configuration to begin from.")
        {
            Examples = ["fastcpt config init > run.yaml", "fastcpt config init study > study.yaml"],
        };
        verb.Add(kind);
        verb.SetAction(parse => options.Run(parse, terminal =>
            terminal.Result((parse.GetValue(kind) switch
            {
                "adapters" => ConfigTemplate.AdapterStudy(),
                "study" => ConfigTemplate.Study(),
                _ => ConfigTemplate.Run(),
            }).TrimEnd())));
        return verb;
    }

    private static (JsonObject Json, string Yaml) Shown(RunConfig config) => (config.ToJson(), config.ToYaml());

    private static (JsonObject Json, string Yaml) Shown(StudyConfig config) => (config.ToJson(), config.ToYaml());

    private static (JsonObject Json, string Yaml) Shown(AdapterStudyConfig config) =>
        (config.ToJson(), config.ToYaml());

    private static Argument<string> Kind()
    {
        var kind = new Argument<string>("kind")
        {
            Description = "What the configuration is for: run, study, or adapters (a study of them).",
            DefaultValueFactory = _ => "run",
        };
        kind.AcceptOnlyFromAmong("run", "study", "adapters");
        return kind;
    }
}
