using System.CommandLine;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Training;

namespace FastCpt;

/// <summary>`fastcpt train`: one run, fresh or from where it stopped.</summary>
internal static class TrainCommand
{
    public static Command Create(CommonOptions options)
    {
        var inputs = new ConfigInputs();
        var verb = new Verb("train", "Trains a model; the same call goes on with a run that was stopped.")
        {
            Examples =
            [
                "fastcpt train run.yaml",
                "fastcpt train run.yaml --set training.learning_rate=1e-4 --set output_dir=runs/warmer",
                "fastcpt train run.yaml --profile",
            ],
        };
        inputs.AddTo(verb);
        var profile = new Option<bool>("--profile")
        {
            Description = "Time every op of a few steps: a table by op and layer, and trace/*.json for Perfetto.",
        };
        verb.Add(profile);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            RunConfig config = RunConfig.Load(inputs.Layers(parse));
            using var stop = options.Listen(config.OutputDir);
            var run = new TrainingOptions(
                ShardFolder: null, stop, options.Files, terminal.Notes, terminal.IsQuiet, parse.GetValue(profile),
                terminal.ShowsProgress);
            bool trained = TrainingRun.Execute(config, run);
            if (!trained)
                terminal.Note($"{config.OutputDir}: done already");
            string model = Path.Combine(config.OutputDir, TrainingRun.FinalFolderName);
            if (terminal.IsJson)
                terminal.Result(new JsonObject { ["output"] = model, ["was_done"] = !trained });
            else
                terminal.Result(model);
        }));
        return verb;
    }
}
