using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Training.Slots;
using FastCpt.Kernels;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Writes the weights of a state: an adapter, or a whole encoder with its head.</summary>
/// <remarks>cpt_state.json beside them says what they are, but for test scores, which come later; lora-sharing.md 5.
/// </remarks>
internal static class SlotStateFiles
{
    public static void Write(
        LearnedState state, AdapterStudyConfig config, SlotSession session, XlmRoberta encoder, SlotLearner learner,
        StudyRun run)
    {
        string folder = state.WeightsFolder;
        using var output = new FolderWriter(folder, run.Files) { KeepsDigests = false };
        long nonFinite = 0;
        if (learner.Weights.Adapter is { } lora)
        {
            nonFinite = PeftFolder.Write(
                output, new PeftConfig(lora.Settings) { TaskType = "TOKEN_CLS", Base = session.EncoderFolder },
                [.. learner.Weights.Trained.SelectMany(set => set.All)
                    .Select(parameter => (parameter.Name, learner.ValueOf(parameter)))],
                encoder.Backend, _ => DType.F32);
        }
        else if (learner.Weights.Blocks is { } blocks)
        {
            nonFinite = BlockAdapterFolder.Write(
                output, encoder, blocks, learner.Weights.Head.Parameters, session.EncoderFolder, learner.ValueOf);
        }
        else
        {
            DType type = learner.Masters.Count > 0 ? DType.F32 : encoder.Parameters.Type;
            // No stop is heard: to write what is learned is the quickest way to keep it.
            nonFinite = ModelSaver.Write(output, encoder, type, values: learner.ValueOf);
            SlotHeadFile.Write(output, learner.Weights.Head.Parameters, type, learner.ValueOf);
        }

        if (nonFinite > 0)
            throw new RunException(
                ExitCode.Numerics, $"{folder}: {nonFinite} trained numbers are not finite. Lower the learning rate.");
        byte[] about = About(state, config, session, learner).ToBytes();
        output.Write(AdapterState.FileName, stream => stream.Write(about), about.Length);
        output.Complete(replace: true);
    }

    /// <summary>Refuses a state that was learned over another encoder, or for other labels.</summary>
    /// <exception cref="RunException">Exit 4.</exception>
    public static void Require(string folder, AdapterStudyConfig config, SlotSession session) =>
        AdapterState.Read(folder)?.Require(
            folder, session.EncoderHashes, LabelMap.Of(config.Data.Labels).Names, session.Pieces.Sha256, warn: null);

    /// <summary>Masters of an adapter and its head begin with what the folder holds, not with its BF16 rounding.
    /// </summary>
    /// <exception cref="RunException">Exit 4: numbers are not finite.</exception>
    public static void FillMasters(SlotLearner learner, XlmRoberta encoder, string adapterFolder)
    {
        if (learner.Masters.Count == 0)
            return;
        if (learner.Weights.Blocks is { } blocks)
        {
            BlockAdapterFolder.Fill(
                encoder, adapterFolder, blocks, learner.Weights.Head.Parameters, learner.ValueOf);
            return;
        }

        using PeftFolder stored = PeftFolder.Open(adapterFolder, _ => { });     // loading it said what is odd
        using var staging = new TensorStaging(learner.Weights.Backend);
        foreach (var (parameter, master) in learner.Masters)
            stored.Fill(staging, LoraNames.Prefix + parameter.Name, master);
    }

    /// <summary>The same of a whole encoder.</summary>
    /// <param name="hasHead">Whether a head lies beside it.</param>
    /// <inheritdoc cref="FillMasters(SlotLearner, XlmRoberta, string)"/>
    public static void FillMasters(SlotLearner learner, string modelFolder, bool hasHead)
    {
        if (learner.Masters.Count == 0)
            return;
        using ModelFolder folder = ModelFolder.Open(modelFolder, _ => { }, withHead: false);
        using var reader = new WeightReader(folder, learner.Weights.Backend);
        foreach (var (parameter, master) in learner.Masters)
            if (!learner.Weights.Head.Parameters.TryGet(parameter.Name, out _))
                reader.Fill(parameter.Name, master);
        if (hasHead)
            SlotHeadFile.Read(modelFolder, learner.Weights.Head.Parameters, parameter => learner.Masters[parameter]);
    }

    private static AdapterState About(
        LearnedState state, AdapterStudyConfig config, SlotSession session, SlotLearner learner) => new()
    {
        Name = state.Name,
        Strategy = state.Name.Split('/')[state.Lesson.Rank is null ? 1 : 2],
        Locale = string.Join('+', state.Lesson.Locales),
        Order = [.. state.Lesson.Stages.Select(stage => string.Join('+', stage))],
        Step = state.Lesson.Stages.Count,
        Seed = config.InitSeedOf(state.Lesson.Seed),
        DataSeed = config.DataSeedOf(state.Lesson.Seed),
        Labels = LabelMap.Of(config.Data.Labels).Names,
        TokenizerSha256 = session.Pieces.Sha256,
        Base = session.EncoderHashes,
        DevF1 = learner.BestEpoch == 0 ? null : learner.Epochs[learner.BestEpoch - 1].DevF1,
    };
}
