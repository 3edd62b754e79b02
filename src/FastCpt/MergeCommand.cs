using System.CommandLine;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Files;

namespace FastCpt;

/// <summary>`fastcpt merge`: makes a model folder from model folders, tensor by tensor.</summary>
internal static class MergeCommand
{
    public static Command Create(CommonOptions options) =>
        new Verb("merge", "Makes a model from models of the same shape, tensor by tensor, on disk.")
        {
            Soup(options),
            Interpolate(options),
            Revert(options),
            Lora(options),
        };

    private static Verb Soup(CommonOptions options)
    {
        var experts = new Argument<string[]>("experts")
        {
            Description = "Model folders, each as folder or id=folder; they are summed in the order of their ids.",
            Arity = ArgumentArity.OneOrMore,
        };
        var anchor = new Option<string?>("--anchor") { Description = "Model folder to draw the mean toward." };
        var alpha = new Option<double>("--alpha")
        {
            Description = "From 0, the anchor, to 1, the plain mean.",
            DefaultValueFactory = _ => 1,
        };
        var layers = new LayerOptions("all");
        var output = new OutputOptions();
        var verb = new Verb("soup", "The mean of experts, perhaps drawn toward an anchor.")
        {
            Examples =
            [
                "fastcpt merge soup slavic=runs/slavic/final germanic=runs/germanic/final --output soup",
                "fastcpt merge soup a b c --anchor base --alpha 0.5 --layers middle --output sweep",
            ],
        };
        verb.Add(experts);
        verb.Add(anchor);
        verb.Add(alpha);
        layers.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            MergeInput[] inputs = [.. parse.GetRequiredValue(experts).Select(Input)];
            MergeInput? toward = parse.GetValue(anchor) is { } folder ? new("anchor", folder) : null;
            var (selection, _) = layers.Of(parse, inputs[0].Folder, terminal);
            if (toward is null && selection != LayerSelection.All)
                throw new RunException(ExitCode.Usage, "--layers says what is drawn toward an --anchor.");
            output.Run(parse, terminal,
                to => Engine.Alignment.Soup.Run(inputs, toward, selection, parse.GetValue(alpha), to));
        }));
        return verb;
    }

    private static Verb Interpolate(CommonOptions options)
    {
        Argument<string> trained = Folder("trained", "The trained model.");
        Argument<string> source = Folder("base", "The model that it began from.");
        var alpha = new Option<double>("--alpha")
        {
            Description = "From 0, the base, to 1, the trained model; at both ends tensors are copied exactly.",
            Required = true,
        };
        var layers = new LayerOptions("all");
        var output = new OutputOptions();
        var verb = new Verb("interpolate", "Moves layers of a trained model toward its base, or toward any donor.")
        {
            Examples =
            [
                "fastcpt merge interpolate runs/dense/final base --alpha 0.5 --layers middle --output half",
                "fastcpt merge interpolate expert dense --alpha 0.25 --layers 28-33 --output transfer",
            ],
        };
        verb.Add(trained);
        verb.Add(source);
        verb.Add(alpha);
        layers.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            var (from, to) = (Input(parse, trained, "trained"), Input(parse, source, "base"));
            var (selection, groups) = layers.Of(parse, from.Folder, terminal);
            output.Run(parse, terminal, target =>
                Engine.Alignment.Interpolate.Run(from, to, selection, parse.GetValue(alpha), target, groups));
        }));
        return verb;
    }

    private static Verb Revert(CommonOptions options)
    {
        Argument<string> trained = Folder("trained", "The trained model.");
        Argument<string> source = Folder("base", "The model that it began from.");
        var layers = new LayerOptions("middle");
        var output = new OutputOptions();
        var verb = new Verb("revert", "Gives layers of a trained model back the weights of its base.")
        {
            Examples =
            [
                "fastcpt merge revert runs/dense/final base --output reverted",
                "fastcpt merge revert runs/dense/final base --layers 9-27 --mlp-only --output reverted",
            ],
        };
        verb.Add(trained);
        verb.Add(source);
        layers.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            var (from, to) = (Input(parse, trained, "trained"), Input(parse, source, "base"));
            var (selection, groups) = layers.Of(parse, from.Folder, terminal);
            output.Run(parse, terminal,
                target => Engine.Alignment.Revert.Run(from, to, selection, target, groups));
        }));
        return verb;
    }

    private static Verb Lora(CommonOptions options)
    {
        var source = new Option<string>("--base") { Description = "The model that was adapted.", Required = true };
        var adapter = new Option<string>("--adapter") { Description = "PEFT folder of the adapter.", Required = true };
        var tied = new Option<string>("--tied")
        {
            Description = "Where the head is the embedding and the adapter changes one: refuse, untie or shared.",
            DefaultValueFactory = _ => "refuse",
        };
        tied.AcceptOnlyFromAmong("refuse", "untie", "shared");
        var takeOut = new Option<bool>("--take-out")
        {
            Description = "Subtracts the adapter from a merged model; what its type rounded away does not come back.",
        };
        var otherBase = new Option<bool>("--other-base")
        {
            Description = "Only warns where the adapter was trained on other weights.",
        };
        var output = new OutputOptions();
        var verb = new Verb("lora", "Adds an adapter to the weights of its base, summed in double and rounded once.")
        {
            Examples = ["fastcpt merge lora --base models/base --adapter runs/lora/final --output merged"],
        };
        foreach (Option option in new Option[] { source, adapter, tied, takeOut, otherBase })
            verb.Add(option);
        output.AddTo(verb);
        verb.SetAction(parse => options.Run(parse, terminal => output.Run(parse, terminal, to => MergeLora.Run(
            new MergeInput("base", parse.GetRequiredValue(source)), parse.GetRequiredValue(adapter), to,
            parse.GetValue(tied) switch
            {
                "untie" => TiedHead.Untie,
                "shared" => TiedHead.Shared,
                _ => TiedHead.Refuse,
            },
            parse.GetValue(takeOut), parse.GetValue(otherBase)))));
        return verb;
    }

    private static Argument<string> Folder(string name, string description) =>
        new(name) { Description = description + " A Hugging Face folder." };

    private static MergeInput Input(ParseResult parse, Argument<string> folder, string id) =>
        new(id, parse.GetRequiredValue(folder));

    /// <summary>An expert as id=folder; without an id, the folder as it is written is the id.</summary>
    private static MergeInput Input(string expert)
    {
        int end = expert.IndexOf('=');
        return end <= 0 || Directory.Exists(expert)
            ? new MergeInput(expert, expert)
            : new MergeInput(expert[..end], expert[(end + 1)..]);
    }
}
