using System.CommandLine;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt;

/// <summary>`fastcpt study`: makes every missing artefact of a comparison, then its table and report.</summary>
internal static class StudyCommand
{
    public static Command Create(CommonOptions options)
    {
        var inputs = new ConfigInputs();
        var only = new Option<string[]>("--only")
        {
            Description = "Makes this artefact and what it is made from, nothing else; a model's name without its "
                + "seed stands for all seeds; may be given often.",
            HelpName = "artefact",
        };
        var verb = new Verb("study", "Trains, merges and evaluates the systems of a study, and reports who forgot.")
        {
            Examples =
            [
                "fastcpt study studies/quickstart.yaml",
                "fastcpt study studies/quickstart.yaml --only expert-slavic",
            ],
        };
        inputs.AddTo(verb);
        verb.Add(only);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            ConfigLayers layers = inputs.Layers(parse);
            if (layers.IsAdapterStudy)
            {
                RunAdapters(terminal, options, AdapterStudyConfig.Load(layers), parse.GetValue(only) ?? []);
                return;
            }

            StudyConfig config = StudyConfig.Load(layers);
            OutputFolder.Prepare(config.OutputDir);
            using var stop = options.Listen(config.OutputDir);
            var run = new StudyRun(
                config, stop, options.Files, terminal.Notes, terminal.IsQuiet, terminal.ShowsProgress);
            if (StudyRunner.Run(config, run, parse.GetValue(only) ?? []) is { } results)
                Show(terminal, results, config.OutputDir);
            else
                ShowIncomplete(terminal, config.Name);
        }));
        return verb;
    }

    private static void RunAdapters(
        Terminal terminal, CommonOptions options, AdapterStudyConfig config, string[] only)
    {
        OutputFolder.Prepare(config.OutputDir);
        using var stop = options.Listen(config.OutputDir);
        var run = new StudyRun(config, stop, options.Files, terminal.Notes, terminal.IsQuiet, terminal.ShowsProgress);
        if (AdapterStudyRunner.Run(config, run, only) is not { } results)
        {
            ShowIncomplete(terminal, config.Name);
            return;
        }

        if (terminal.IsJson)
        {
            terminal.Result(AdapterResultsFile.ToJson(results));
            return;
        }

        terminal.Result(AdapterStudyTables.ToText(results));
        foreach (AdapterStudyFinding finding in AdapterStudyFinding.Of(results))
            terminal.Result(
                $"{finding.Holds switch { true => "holds", false => "does not", null => "not visible" },-11}  "
                + finding.Statement);
        terminal.Result(Path.Combine(config.OutputDir, StudyReport.FileName));
    }

    private static void ShowIncomplete(Terminal terminal, string name)
    {
        if (terminal.IsJson)
            terminal.Result(new JsonObject { ["name"] = name, ["complete"] = false });
        else
            terminal.Note($"{name}: made what was asked for; the rest is missing: no results yet");
    }

    private static void Show(Terminal terminal, StudyResults results, string folder)
    {
        IReadOnlyList<StudyFinding> findings = StudyFinding.Of(results);
        if (terminal.IsJson)
        {
            JsonObject document = StudyResultsFile.ToJson(results);
            document["findings"] = new JsonArray([.. findings.Select(finding => new JsonObject
            {
                ["statement"] = finding.Statement, ["holds"] = finding.Holds,
            })]);
            terminal.Result(document);
            return;
        }

        terminal.Result(StudyTable.Text(results).TrimEnd('\n'));
        foreach (StudyFinding finding in findings)
            terminal.Result($"{(finding.Holds ? "yes" : "no ")}  {finding.Statement}");
        terminal.Result(Path.Combine(folder, StudyReport.FileName));
    }
}
