using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>What a run will need, from its configuration alone: nothing is loaded, nothing is written.</summary>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Trained">Of these, not frozen.</param>
/// <param name="StateBytes">Weights, gradients, moments, masters and anchor in memory.</param>
/// <param name="ActivationBytes">What the tape keeps of one micro-batch, gradients in flight included; an upper
/// estimate.</param>
/// <param name="PackedBytes">Packed copies of frozen weights, both ways; an upper estimate, but twice as much where
/// products take no pairs of BF16.</param>
/// <param name="CheckpointBytes">One checkpoint on disk.</param>
/// <param name="Steps">Optimizer updates, with full rows.</param>
/// <param name="StepTokens">Tokens of an update at most.</param>
/// <param name="StepFlops">Operations of an update with full rows.</param>
public sealed record RunPlan(
    long Parameters, long Trained, long StateBytes, long ActivationBytes, long PackedBytes, long CheckpointBytes,
    long Steps, long StepTokens, double StepFlops)
{
    /// <param name="model">Of the folder or the recipe.</param>
    public static RunPlan Of(RunConfig config, ModelConfig model)
    {
        AlignmentConfig alignment = config.Alignment;
        var groups = LayerGroups.Of(model.Layers, alignment.FirstLayers, alignment.LastLayers);
        var freeze = new Alignment.FreezeLayers(alignment.Freeze, groups);
        Alignment.L2Sp? pull = alignment.L2Sp is { } l2Sp ? new Alignment.L2Sp(l2Sp, groups) : null;
        Precision precision = Precisions.Resolve(config.Precision);
        int valueBytes = Precisions.ActivationType(precision).Size();
        int masterBytes = precision == Precision.Bf16 ? sizeof(float) : 0;
        long state = 0, count = 0, trained = 0, packed = 0, checkpoint = 0;
        double products = 0;
        long rows = (long)config.Training.BatchSize * config.Data.MaxSeqLength;
        foreach (ParameterShape parameter in ParameterLayout.Of(model))
        {
            long length = parameter.Shape.Length;
            bool trains = config.Adapter is null && !freeze.IsFrozen(parameter.Name);
            count += length;
            state += length * valueBytes;
            checkpoint += config.Adapter is null ? length * valueBytes : 0;
            if (parameter.Shape.Rank == 2 && (IsProduct(parameter.Name, model)))
                products += 2.0 * length * rows * (trains ? 3 : 2);
            if (model is EncoderConfig { HasMaskedHead: true } && parameter.Name == EncoderLayout.Words)
                products += TokenMask.Share * 2 * length * rows * (trains ? 3 : 2);
            if (!trains && rows <= PackedWeights.MostRows && parameter.Shape.Rank == 2
                && parameter.Name is not (ParameterLayout.Embedding or ParameterLayout.Head))
                packed += (rows <= PackedWeights.MostForwardRows ? 2 : 1) * length * valueBytes;
            if (!trains)
                continue;
            trained += length;
            state += length * (3 * sizeof(float) + masterBytes);
            checkpoint += length * (2 * sizeof(float) + masterBytes);
            if (pull?.Lambda(parameter.Name) > 0)
                state += length * valueBytes;
        }

        (long adapters, long ranks) = Adapters(config, model);
        count += adapters;
        trained += adapters;
        state += adapters * (valueBytes + 3 * sizeof(float) + masterBytes);
        checkpoint += adapters * (valueBytes + 2 * sizeof(float) + masterBytes);
        products += 2.0 * adapters * rows * 3;
        double attention = config.Training.BatchSize * FlopCount.Attention(model, [0, config.Data.MaxSeqLength]);
        long stepTokens = rows * config.Training.GradientAccumulationSteps;
        return new RunPlan(
            count, trained, state,
            rows * (RowBytes(model, config.Training.ActivationRecompute, valueBytes) + ranks * valueBytes), packed,
            checkpoint, StepsOf(config.Training, stepTokens), stepTokens,
            (products + attention) * config.Training.GradientAccumulationSteps);
    }

    /// <returns>Numbers that the adapters of a run consist of, and the sum of their ranks.</returns>
    private static (long Count, long Ranks) Adapters(RunConfig config, ModelConfig model)
    {
        if (config.Adapter is null)
            return (0, 0);
        LoraSettings settings = LoraSettings.Of(config.Adapter, config.Seed);
        var targets = new LoraTargets(settings);
        (string Name, Shape Weight)[] linears =
            [.. ParameterLayout.Linears(model).Select(linear => (linear.Name, linear.Shape))];
        return (
            LoraCount.Of(linears, settings),
            linears.Where(linear => targets.Selects(linear.Name)).Sum(linear => (long)targets.RankOf(linear.Name)));
    }

    /// <summary>Updates of a run whose rows are full; as many more as rows are not, where tokens decide.</summary>
    public static long StepsOf(TrainingConfig training, long stepTokens) =>
        training.MaxSteps > 0 ? training.MaxSteps : (training.MaxTokens + stepTokens - 1) / stepTokens;

    /// <summary>
    /// Bytes that the tape keeps per token: per block the residuals, norms, heads, and both halves of the gate.
    /// </summary>
    private static long RowBytes(ModelConfig model, bool recompute, int valueBytes)
    {
        long block = BlockElements(model);
        // Recomputing keeps what enters each block, and one block at a time whole.
        long kept = recompute ? (long)model.Layers * model.Width + block : model.Layers * block;
        return (kept + 6L * model.Width + 2L * model.InnerWidth) * valueBytes;
    }

    private static long BlockElements(ModelConfig model)
    {
        if (model is not DecoderConfig decoder)
            // q, k, v, heads; both halves before and after their sum and their norm; the feed-forward part twice.
            return 10L * model.Width + 2L * model.InnerWidth;
        long heads = 2L * (decoder.Heads + decoder.KeyHeads) * decoder.HeadSize;
        long normed = decoder.QueryKeyNorm ? (decoder.Heads + decoder.KeyHeads) * (long)decoder.HeadSize : 0;
        long widths = decoder.Architecture == Architecture.Gemma3 ? 8 : 4;
        return widths * decoder.Width + heads + normed + 2L * decoder.InnerWidth;
    }

    /// <summary>Whether a matrix multiplies every row; a table that only rows are looked up in does not.</summary>
    private static bool IsProduct(string name, ModelConfig model) => model is DecoderConfig decoder
        ? name != ParameterLayout.Embedding || decoder.TiedHead
        : !name.Contains("_embeddings.", StringComparison.Ordinal);
}
