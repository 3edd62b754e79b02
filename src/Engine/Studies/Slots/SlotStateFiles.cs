using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Training.Slots;
using FastCpt.Kernels;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Writes the weights of a state: an adapter as PEFT stores it, or a whole encoder with its head.</summary>
/// <remarks>cpt_state.json beside them says what they are; lora-sharing.md 5.</remarks>
internal static class SlotStateFiles
{
    public static void Write(
        LearnedState state, AdapterStudyConfig config, SlotSession session, XlmRoberta encoder, SlotLearner learner,
        SlotStateResult result, StudyRun run)
    {
        string folder = state.Lesson.Rank is null ? state.ModelFolder : state.AdapterFolder;
        using var output = new FolderWriter(folder, run.Files) { KeepsDigests = false };
        long nonFinite = 0;
        if (learner.Weights.Adapter is { } lora)
        {
            nonFinite = PeftFolder.Write(
                output, new PeftConfig(lora.Settings) { TaskType = "TOKEN_CLS", Base = session.EncoderFolder },
                [.. learner.Weights.Trained.SelectMany(set => set.All)
                    .Select(parameter => (parameter.Name, parameter.Value))],
                encoder.Backend, _ => DType.F32);
        }
        else if (learner.Weights.Blocks is { } blocks)
        {
            nonFinite = BlockAdapterFolder.Write(
                output, encoder, blocks, learner.Weights.Head.Parameters, session.EncoderFolder);
        }
        else
        {
            nonFinite = ModelSaver.Write(output, encoder, encoder.Parameters.Type, stop: run.Stop);
            SlotHeadFile.Write(output, learner.Weights.Head.Parameters, encoder.Parameters.Type);
        }

        if (nonFinite > 0)
            throw new RunException(
                ExitCode.Numerics, $"{folder}: {nonFinite} trained numbers are not finite. Lower the learning rate.");
        byte[] about = About(state, config, session, result).ToBytes();
        output.Write(AdapterState.FileName, stream => stream.Write(about), about.Length);
        output.Complete(replace: true);
    }

    /// <summary>Refuses a state that was learned over another encoder, or for other labels.</summary>
    /// <exception cref="RunException">Exit 4.</exception>
    public static void Require(string folder, AdapterStudyConfig config, SlotSession session) =>
        AdapterState.Read(folder)?.Require(
            folder, session.EncoderHashes, LabelMap.Of(config.Data.Labels).Names, session.Pieces.Sha256, warn: null);

    private static AdapterState About(
        LearnedState state, AdapterStudyConfig config, SlotSession session, SlotStateResult result) => new()
    {
        Name = state.Name,
        Strategy = state.Name.Split('/')[state.Lesson.Rank is null ? 1 : 2],
        Locale = string.Join('+', state.Lesson.Locales),
        Order = [.. state.Lesson.Stages.Select(stage => string.Join('+', stage))],
        Step = state.Lesson.Stages.Count,
        Seed = config.InitSeed ?? state.Lesson.Seed,
        DataSeed = config.DataSeed ?? state.Lesson.Seed,
        Labels = LabelMap.Of(config.Data.Labels).Names,
        TokenizerSha256 = session.Pieces.Sha256,
        Base = session.EncoderHashes,
        DevF1 = result.BestEpoch == 0 ? null : result.Epochs[result.BestEpoch - 1].DevF1,
        TestF1 = result.Scores.ToDictionary(score => score.Key, score => score.Value.F1),
    };
}
