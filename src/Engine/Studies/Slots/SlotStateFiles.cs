using System.Text;
using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training.Slots;
using FastCpt.Kernels;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Writes the weights of a state: an adapter as PEFT stores it, or a whole encoder with its head.</summary>
/// <remarks>cpt_state.json beside them says what they are; lora-sharing.md 5.</remarks>
internal static class SlotStateFiles
{
    public const string StateName = "cpt_state.json";

    public static void Write(
        LearnedState state, AdapterStudyConfig config, XlmRoberta encoder, SlotLearner learner,
        SlotStateResult result, TokenizerArtefact tokenizer, ModelArtefact origin, StudyRun run)
    {
        string folder = state.Lesson.Rank is null ? state.ModelFolder : state.AdapterFolder;
        using var output = new FolderWriter(folder, run.Files) { KeepsDigests = false };
        long nonFinite = 0;
        if (learner.Weights.Adapter is { } lora)
        {
            nonFinite = PeftFolder.Write(
                output, new PeftConfig(lora.Settings) { TaskType = "TOKEN_CLS", Base = origin.Name },
                [.. learner.Weights.Trained.SelectMany(set => set.All)
                    .Select(parameter => (parameter.Name, parameter.Value))],
                encoder.Backend, _ => DType.F32);
        }
        else if (learner.Weights.Blocks is { } blocks)
        {
            nonFinite = BlockAdapterFolder.Write(
                output, encoder, blocks, learner.Weights.Head.Parameters, origin.Name);
        }
        else
        {
            nonFinite = ModelSaver.Write(output, encoder, encoder.Parameters.Type, stop: run.Stop);
            SlotHeadFile.Write(output, learner.Weights.Head.Parameters, encoder.Parameters.Type);
        }

        if (nonFinite > 0)
            throw new RunException(
                ExitCode.Numerics, $"{folder}: {nonFinite} trained numbers are not finite. Lower the learning rate.");
        byte[] about = Encoding.UTF8.GetBytes(ConfigText.Json(About(state, config, result, tokenizer, origin)));
        output.Write(StateName, stream => stream.Write(about), about.Length);
        output.Complete(replace: true);
    }

    private static JsonObject About(
        LearnedState state, AdapterStudyConfig config, SlotStateResult result, TokenizerArtefact tokenizer,
        ModelArtefact origin)
    {
        LabelMap labels = LabelMap.Of(config.Data.Labels);
        return new JsonObject
        {
            ["name"] = state.Name,
            ["stages"] = new JsonArray([.. state.Lesson.Stages.Select(
                stage => (JsonNode)new JsonArray([.. stage.Select(locale => (JsonNode)locale)]))]),
            ["step"] = state.Lesson.Stages.Count,
            ["rank"] = state.Lesson.Rank,
            ["init_seed"] = config.InitSeed ?? state.Lesson.Seed,
            ["data_seed"] = config.DataSeed ?? state.Lesson.Seed,
            ["labels"] = new JsonArray([.. labels.Names.Select(name => (JsonNode)name)]),
            ["labels_sha256"] = labels.Sha256,
            ["tokenizer_sha256"] = Tokenizer.Load(tokenizer.Location).Sha256,
            ["base_key"] = origin.Key,
            ["dev_f1"] = result.BestEpoch == 0 ? null : result.Epochs[result.BestEpoch - 1].DevF1,
            ["test_f1"] = new JsonObject(result.Scores.Select(
                pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value.F1))),
        };
    }
}
