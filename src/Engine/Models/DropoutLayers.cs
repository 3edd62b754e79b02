namespace FastCpt.Engine.Models;

/// <summary>The numbers by which dropouts of a model are told apart; see <see cref="Kernels.DropoutKey"/>.</summary>
internal static class DropoutLayers
{
    public const int Embeddings = 0;

    /// <summary>Before a token classifier.</summary>
    public const int Classifier = 1;

    /// <summary>The first of the numbers that adapters have: one for each linear layer of the model, in its order.
    /// </summary>
    public const int Adapters = 1 << 20;

    public static int AttentionProbabilities(int layer) => 4 * (layer + 1);

    public static int AttentionOutput(int layer) => 4 * (layer + 1) + 1;

    public static int MlpOutput(int layer) => 4 * (layer + 1) + 2;
}
