using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The encoder that a study of adapters starts from: one that exists, or one that it pretrains.</summary>
internal static class SlotEncoders
{
    /// <param name="add">Takes what is made, in order.</param>
    public static ModelArtefact Of(AdapterStudyConfig config, TokenizerArtefact tokenizer, Action<Artefact> add)
    {
        ModelArtefact encoder = config.Base.Model.Path is { } path
            ? new GivenModel("base", config.OutputDir, path)
            : Pretrained(config, tokenizer, add);
        add(encoder);
        if (!config.TrimVocabulary)
            return encoder;
        var trimmed = new TrimmedEncoder(config, tokenizer, encoder);
        add(trimmed);
        return trimmed;
    }

    private static TrainedModel Pretrained(
        AdapterStudyConfig config, TokenizerArtefact tokenizer, Action<Artefact> add)
    {
        var run = new RunConfig
        {
            Seed = config.InitSeed ?? config.Seeds[0],
            Device = config.Device,
            Threads = config.Threads,
            Precision = config.Precision,
            Tokenizer = tokenizer.Location,
            Model = config.Base.Model,
            Training = config.Base.Training!, // the reader asked for it
        };
        if (config.Base.Data is { } data)
            return new TrainedModel("base", config.OutputDir, run with { Data = data }, [tokenizer]);
        var text = new SlotText(config);
        add(text);
        return new TrainedModel("base", config.OutputDir, run with
        {
            Data = new DataConfig
            {
                MaxSeqLength = config.Data.MaxLength,
                Languages = [.. config.Data.Locales.Select(locale => new LanguageConfig
                {
                    Name = locale, Files = [text.FileOf(locale)],
                })],
            },
        }, [tokenizer, text])
        {
            TextIsMade = true,
        };
    }
}
