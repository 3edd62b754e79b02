using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Alignment;

/// <summary>Chooses the parameters that are not trained: layers by group or range.</summary>
/// <remarks>
/// A frozen parameter has no gradient and no optimizer state, so neither decay nor clipping can reach it. Embedding,
/// head and final norm belong to no layer and train on. family-cpt.md 1.3, S3.
/// </remarks>
public sealed class FreezeLayers
{
    private readonly FreezeConfig? _config;
    private readonly LayerGroups _groups;

    /// <param name="config">Null freezes nothing.</param>
    /// <exception cref="RunException">Exit 3: the range names layers that the model does not have.</exception>
    public FreezeLayers(FreezeConfig? config, LayerGroups groups)
    {
        if (config?.To >= groups.Layers)
            throw new RunException(
                ExitCode.Config,
                $"alignment.freeze: layers {config.From} to {config.To}, but the model has {groups.Layers}, counted "
                + "from 0.");
        (_config, _groups) = (config, groups);
    }

    public bool IsFrozen(string parameter)
    {
        if (_config is null || LayerGroups.LayerOf(parameter) is not { } layer)
            return false;
        if (_config.MlpOnly && !LayerGroups.IsMlp(parameter))
            return false;
        return _config.From is { } from
            ? layer >= from && layer <= _config.To
            : _config.Groups.Any(group => _groups[group].Contains(layer));
    }
}
