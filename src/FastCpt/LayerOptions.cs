using System.CommandLine;
using System.Globalization;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt;

/// <summary>The options that say which layers an operation changes.</summary>
internal sealed class LayerOptions
{
    private readonly Option<string> _layers;
    private readonly Option<bool> _mlpOnly = new("--mlp-only")
    {
        Description = "Of these layers, changes only the feed-forward matrices.",
    };
    private readonly Option<int?> _firstLayers = Count("--first-layers", "first", "9/34");
    private readonly Option<int?> _lastLayers = Count("--last-layers", "last", "6/34");

    public LayerOptions(string byDefault) => _layers = new Option<string>("--layers")
    {
        Description = "all, first, middle, last, or a range such as 9-27, both ends included.",
        HelpName = "layers",
        DefaultValueFactory = _ => byDefault,
    };

    public void AddTo(Command verb)
    {
        verb.Add(_layers);
        verb.Add(_mlpOnly);
        verb.Add(_firstLayers);
        verb.Add(_lastLayers);
    }

    /// <summary>What the options select in a model, and the model's groups.</summary>
    /// <exception cref="RunException">Exit 2: no such layers. Exit 3: the groups. Exit 4: the model.</exception>
    public (LayerSelection Selection, LayerGroups Groups) Of(ParseResult parse, string model, Terminal terminal)
    {
        using TensorFolder folder = TensorFolder.Open(model, terminal.Note);
        int count = LayerGroups.CountLayers(folder.Entries.Select(entry => entry.Name), model);
        LayerGroups groups = LayerGroups.Of(count, parse.GetValue(_firstLayers), parse.GetValue(_lastLayers));
        bool mlpOnly = parse.GetValue(_mlpOnly);
        string layers = parse.GetRequiredValue(_layers);
        if (layers == "all" && mlpOnly)
            throw new RunException(ExitCode.Usage, "--mlp-only needs --layers other than all.");
        LayerSelection selection = layers switch
        {
            "all" => LayerSelection.All,
            "first" => new(groups.First, mlpOnly),
            "middle" => new(groups.Middle, mlpOnly),
            "last" => new(groups.Last, mlpOnly),
            _ => new(Range(layers, count), mlpOnly),
        };
        terminal.Detail($"{model}: {count} layers; first {groups.First}, middle {groups.Middle}, last {groups.Last}");
        return (selection, groups);
    }

    private static LayerRange Range(string layers, int count)
    {
        string[] ends = layers.Split('-');
        if (ends.Length is 1 or 2 && TryRead(ends[0], out int from) && TryRead(ends[^1], out int to) && from <= to
            && to < count)
            return new LayerRange(from, to + 1);
        throw new RunException(ExitCode.Usage, $"--layers {layers}: expected all, first, middle, last, or a range "
            + $"within 0-{count - 1}, such as 0-{count - 1}.");
    }

    private static bool TryRead(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static Option<int?> Count(string name, string group, string share)
    {
        var option = new Option<int?>(name)
        {
            Description = $"Layers of the {group} group; {share} of the depth if not given.",
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() < 0)
                result.AddError($"{name} is below 0.");
        });
        return option;
    }
}
