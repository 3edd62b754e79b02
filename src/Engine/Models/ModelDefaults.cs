namespace FastCpt.Engine.Models;

/// <summary>What the published library assumes where config.json of a family leaves a key out.</summary>
/// <param name="KeyHeads">Null: as many as query heads.</param>
/// <param name="HeadSize">Null: width over heads.</param>
internal sealed record ModelDefaults(
    int Vocabulary, int Width, int InnerWidth, int Layers, int Heads, int? KeyHeads, int? HeadSize, int MaxPositions,
    bool TiedHead, double Theta, double LocalTheta, int? Bos, int? Eos, int? Pad)
{
    public const double NormEpsilon = 1e-6;
    public const double InitializerRange = 0.02;
    public const double GemmaQueryScalar = 256;
    public const int GemmaWindow = 4096;
    public const int GemmaPattern = 6;

    public static ModelDefaults Of(Architecture architecture) => architecture switch
    {
        Architecture.Llama =>
            new(32_000, 4096, 11_008, 32, 32, null, null, 2048, false, 1e4, 1e4, 1, 2, null),
        Architecture.Qwen2 =>
            new(151_936, 4096, 22_016, 32, 32, 32, null, 32_768, false, 1e4, 1e4, null, null, null),
        Architecture.Qwen3 =>
            new(151_936, 4096, 22_016, 32, 32, 32, 128, 32_768, false, 1e4, 1e4, null, null, null),
        _ =>
            new(262_208, 2304, 9216, 26, 8, 4, 256, 131_072, true, 1e6, 1e4, 2, 1, 0),
    };
}
