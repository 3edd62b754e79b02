using System.CommandLine;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using FastCpt.Engine.Reports;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt;

/// <summary>`fastcpt report`: writes the HTML file of results that are there.</summary>
internal static class ReportCommand
{
    public static Command Create(CommonOptions options)
    {
        var results = new Argument<string>("results")
        {
            Description = "results.json of a study, or the folder that holds it.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "The file to write; report.html beside the results if not given.",
            HelpName = "file",
        };
        var verb = new Verb("report", "Writes the report of a study as one self-contained HTML file.")
        {
            Examples = ["fastcpt report runs/quickstart", "fastcpt report runs/quickstart/results.json -o paper.html"],
        };
        verb.Add(results);
        verb.Add(output);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            string source = parse.GetRequiredValue(results);
            if (Directory.Exists(source))
                source = Path.Combine(source, StudyResultsFile.Name);
            string folder = Path.GetDirectoryName(Path.GetFullPath(source))!; // a file is in a folder
            string target = parse.GetValue(output) ?? Path.Combine(folder, StudyReport.FileName);
            AtomicFile.Write(target, HtmlReport.Write(AdapterResultsFile.IsAt(source)
                ? AdapterStudyReport.Of(AdapterResultsFile.Load(source))
                : StudyReport.Of(StudyResultsFile.Load(source))));
            if (terminal.IsJson)
                terminal.Result(new JsonObject { ["output"] = Path.GetFullPath(target) });
            else
                terminal.Result(target);
        }));
        return verb;
    }
}
