using System.Globalization;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>What holds a run's weights near their start: marks what is frozen, keeps what pulls.</summary>
internal sealed class Alignments : IDisposable
{
    private readonly FreezeLayers _freeze;
    private readonly L2Sp? _pull;
    private readonly Anchor? _anchor;

    /// <exception cref="RunException">Exit 3: layers that the model does not have, or an anchor of another
    /// shape.</exception>
    public Alignments(RunConfig config, Model model, Action<string> say, StopSignal stop)
    {
        AlignmentConfig alignment = config.Alignment;
        var groups = LayerGroups.Of(model.Config.Layers, alignment.FirstLayers, alignment.LastLayers);
        _freeze = new FreezeLayers(alignment.Freeze, groups);
        model.Parameters.Train(parameter => !_freeze.IsFrozen(parameter.Name));
        if (!model.Parameters.Trained.Any())
            throw new RunException(ExitCode.Config, "alignment.freeze: nothing is left to train.");
        if (alignment.L2Sp is not { } l2Sp)
            return;
        string folder = l2Sp.Anchor ?? config.Model.Path ?? throw new RunException(
            ExitCode.Config, "alignment.l2_sp: a fresh model has no start to be pulled to; name a folder as its "
                + "anchor.");
        _pull = new L2Sp(l2Sp, groups);
        using ModelFolder source = ModelFolder.Open(folder, say);
        RequireSameShapes(source, model, folder);
        _anchor = Anchor.Read(
            source,
            model.Parameters.Trained.Select(parameter => parameter.Name).Where(name => _pull.Lambda(name) > 0),
            config.Precision == Precision.PureBf16 ? DType.BF16 : DType.F32, model.Backend, stop);
    }

    public Pull PullOn(Parameter parameter) => _pull?.PullOn(parameter, _anchor!.Of) ?? default; // they come together

    /// <summary>What becomes of a parameter, for the record: frozen, trained, or trained with λ.</summary>
    public string Treatment(Parameter parameter) =>
        !parameter.IsTrained ? "frozen"
        : _pull?.Lambda(parameter.Name) is > 0 and var lambda
            ? string.Create(CultureInfo.InvariantCulture, $"trained, l2_sp {lambda}")
            : "trained";

    public void Dispose() => _anchor?.Dispose();

    private static void RequireSameShapes(ModelFolder anchor, Model model, string folder)
    {
        var shapes = ParameterLayout.Of(anchor.Config).ToDictionary(has => has.Name, has => has.Shape);
        foreach (Parameter parameter in model.Parameters.All)
            if (!shapes.TryGetValue(parameter.Name, out Shape shape) || shape != parameter.Value.Shape)
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{folder}: '{parameter.Name}' is not there as {parameter.Value.Shape}. An anchor has the "
                    + "model's own shape.");
    }
}
