using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Byte-level BPE of a study's training sentences, every locale's whole.</summary>
internal sealed class SlotTokenizer(AdapterStudyConfig config) : TokenizerArtefact(config.OutputDir)
{
    /// <summary>Padding is the second id, as encoders of XLM-R's kind expect.</summary>
    private static readonly string[] Special = ["<bos>", "<pad>", "<eos>", "<unk>", "<mask>"];

    public override string Location => Folder;

    protected override JsonObject Recipe() => new()
    {
        ["vocabulary_size"] = config.Tokenizer.VocabularySize,
        ["balanced_scripts"] = config.Tokenizer.BalancedScripts,
        ["bytes_per_language"] = config.Tokenizer.BytesPerLanguage,
        ["train_rows"] = config.Data.TrainRows,
        ["texts"] = new JsonArray([.. config.Data.Locales.Select(
            locale => (JsonNode)$"{locale} {HashOf(config.Data.FileOf(locale))}")]),
    };

    protected override void MakeContent(StudyRun run)
    {
        run.Say($"tokenizer: {config.Tokenizer.VocabularySize} pieces of {config.Data.Locales.Count} locales");
        TrainedTokenizer trained = BpeTrainer.Train(
            config.Data.Locales.SelectMany(Text),
            new BpeTrainerOptions
            {
                VocabularySize = config.Tokenizer.VocabularySize!.Value, // the graph asks for one only then
                SpecialTokens = Special,
                BalancedScripts = config.Tokenizer.BalancedScripts,
            },
            run.Stop);
        AtomicFile.Write(Path.Combine(Folder, "tokenizer.json"), trained.TokenizerJson, run.Files);
        AtomicFile.Write(Path.Combine(Folder, "tokenizer_config.json"), trained.TokenizerConfig, run.Files);
    }

    private IEnumerable<ReadOnlyMemory<byte>> Text(string locale)
    {
        long left = config.Tokenizer.BytesPerLanguage > 0 ? config.Tokenizer.BytesPerLanguage : long.MaxValue;
        foreach (byte[] sentence in SlotText.Training(config.Data, locale))
        {
            if (sentence.Length > left)
                yield break;
            left -= sentence.Length;
            yield return sentence;
        }
    }
}

/// <summary>Training sentences of every locale as plain text, for an encoder to be pretrained on.</summary>
internal sealed class SlotText(AdapterStudyConfig config) : Artefact("text", config.OutputDir)
{
    public string FileOf(string locale) => Path.Combine(Folder, $"{locale}.jsonl");

    /// <summary>The training sentences of a locale, in UTF-8.</summary>
    public static IEnumerable<byte[]> Training(SlotDataConfig data, string locale) =>
        SlotSentences.Rows(data, locale).Where(row => row.Partition == Partition.Train)
            .Select(row => Encoding.UTF8.GetBytes(row.Text));

    protected override JsonObject Recipe() => new()
    {
        ["train_rows"] = config.Data.TrainRows,
        ["texts"] = new JsonArray([.. config.Data.Locales.Select(
            locale => (JsonNode)$"{locale} {HashOf(config.Data.FileOf(locale))}")]),
    };

    protected override void MakeContent(StudyRun run)
    {
        foreach (string locale in config.Data.Locales)
        {
            using var text = new MemoryStream();
            foreach (byte[] sentence in Training(config.Data, locale))
            {
                using (var json = new Utf8JsonWriter(text))
                {
                    json.WriteStartObject();
                    json.WriteString("text", sentence);
                    json.WriteEndObject();
                }

                text.WriteByte((byte)'\n');
            }

            AtomicFile.Write(FileOf(locale), text.ToArray(), run.Files);
        }
    }
}

/// <summary>Row 0 of R: the scores of the encoder with a head that nothing has trained.</summary>
internal sealed class UntrainedState(
    AdapterStudyConfig config, ulong seed, Func<SlotSession> session, IReadOnlyList<Artefact> inputs)
    : Artefact($"seed-{seed}/untrained", config.OutputDir, inputs)
{
    /// <exception cref="RunException">Exit 3: the file of a complete artefact was changed by hand.</exception>
    public SlotStateScores Load() => SlotStateScores.Load(Folder);

    protected override JsonObject Recipe()
    {
        JsonObject recipe = SlotRecipe.OfScores(config, HashOf, config.Data.Locales);
        recipe["init_seed"] = config.InitSeedOf(seed);
        return recipe;
    }

    protected override void MakeContent(StudyRun run)
    {
        SlotSession here = session();
        using SlotWeights weights = SlotWeights.Adapted(
            here.Frozen, SlotRecipe.Lora(config, 1, seed), here.Sentences.Labels, config.InitSeedOf(seed));
        weights.AttachAlone(here.Frozen);
        StateScores.Measure(here, here.Frozen, weights.Head, config.Data.Locales).Write(Folder, run.Files);
    }
}
