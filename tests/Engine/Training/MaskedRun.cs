using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Runs of a second that pretrain a two-layer encoder of 16 columns on masked tokens.</summary>
internal sealed class MaskedRun : IDisposable
{
    public MaskedRun()
    {
        TrainedTokenizer trained = BpeTrainer.Train(
            SampleText.FirstLines("en", 40).Select(line => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(line)),
            new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = BpeTrainerOptions.EndsAndMask });
        Directory.CreateDirectory(Tokenizer);
        File.WriteAllBytes(Path.Combine(Tokenizer, "tokenizer.json"), trained.TokenizerJson);
        File.WriteAllBytes(Path.Combine(Tokenizer, "tokenizer_config.json"), trained.TokenizerConfig);
    }

    public TinyRun Runs { get; } = new();

    public string Tokenizer => Runs.Path("masking");

    public static ModelSource Recipe { get; } = new()
    {
        Architecture = "xlm-roberta",
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 24,
        LayerNormEps = 1e-5,
        HiddenDropoutProb = 0.1,
        AttentionProbsDropoutProb = 0.1,
        TieWordEmbeddings = true,
        MaxPositionEmbeddings = 40,
        InitializerRange = 0.1,
    };

    public RunConfig Config(string name) => Masked(Runs.Config(name)) with { Model = Recipe };

    /// <summary>A run that starts from the result of another one.</summary>
    public RunConfig From(string origin, string name) => Masked(Runs.From(origin, name));

    public void Dispose() => Runs.Dispose();

    private RunConfig Masked(RunConfig config) => config with { Tokenizer = Tokenizer };
}
