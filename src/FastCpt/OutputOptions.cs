using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Files;

namespace FastCpt;

/// <summary>Where a merge writes, and what the command says of it.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The new model folder; hashes.json beside it remembers the hashes of inputs.",
        Required = true,
    };

    private readonly Option<bool> _overwrite = new("--overwrite")
    {
        Description = "Replaces a folder that is there, once the new one is complete.",
    };

    public void AddTo(Command verb)
    {
        verb.Add(_output);
        verb.Add(_overwrite);
    }

    /// <summary>Runs a merge with progress, and writes its folder as the result.</summary>
    public void Run(ParseResult parse, Terminal terminal, Action<MergeOutput> merge)
    {
        string folder = parse.GetRequiredValue(_output);
        using var stop = new StopSignal();
        merge(new MergeOutput(folder, parse.GetValue(_overwrite))
        {
            Stop = stop,
            Warn = terminal.Note,
            Progress = (done, total) => terminal.Progress(string.Create(CultureInfo.InvariantCulture,
                $"merge  {100.0 * done / total:0}%  {done / 1e9:0.00} of {total / 1e9:0.00} GB")),
        });
        if (terminal.IsJson)
            terminal.Result(new JsonObject { ["output"] = Path.GetFullPath(folder) });
        else
            terminal.Result(folder);
    }
}
