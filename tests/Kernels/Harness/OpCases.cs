using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Every op of the contract, forward and backward, for tests that hold one promise of all of them.</summary>
internal static class OpCases
{
    /// <summary>Odd sizes: no extent is a multiple of a vector, and none is below one.</summary>
    public static IReadOnlyList<(string Name, Func<Scene, OpCase> Build)> Ragged { get; } = List(
        rows: 19, cols: 37, vocabulary: 131,
        new LinearShape(19, 35, 37, Bias: true, Rank: 3), new GatedMlpTests.MlpShape(19, 21, 37, Gate.GeGlu, true, 3),
        AttentionCase.Of([7, 0, 21, 1], 4, 2, 18, AttentionMask.Window, 9));

    /// <summary>Several tiles each way with ragged ends, enough for several workers.</summary>
    public static IReadOnlyList<(string Name, Func<Scene, OpCase> Build)> Wide { get; } = List(
        rows: 301, cols: 259, vocabulary: 1031,
        new LinearShape(301, 333, 777, Bias: true, Rank: 9),
        new GatedMlpTests.MlpShape(301, 259, 517, Gate.SwiGlu, true, 9),
        AttentionCase.Of([97, 70, 134], 4, 2, 34, AttentionMask.Causal, 0));

    /// <summary>Of even sizes, so that BF16 goes in pairs; the adapter's rank is above a panel of columns; and
    /// attention that drops out.</summary>
    public static IReadOnlyList<(string Name, Func<Scene, OpCase> Build)> RaggedAndPairs { get; } =
    [
        .. Ragged, .. Pairs(new LinearShape(38, 70, 36, Rank: 40)),
        .. Dropping(AttentionCase.Of([7, 0, 21, 1], 4, 2, 18, AttentionMask.Window, 9)),
    ];

    /// <inheritdoc cref="RaggedAndPairs"/>
    public static IReadOnlyList<(string Name, Func<Scene, OpCase> Build)> WideAndPairs { get; } =
    [
        .. Wide, .. Pairs(new LinearShape(301, 334, 778, Rank: 40)),
        .. Dropping(AttentionCase.Of([97, 70, 134], 4, 2, 34, AttentionMask.Bidirectional, 0)),
    ];

    private static List<(string Name, Func<Scene, OpCase> Build)> Dropping(AttentionCase attention) =>
    [
        ("Attention with dropout", (attention with { Rate = 0.3f }).Forward),
        ("AttentionBackward with dropout", (attention with { Rate = 0.3f }).Backward),
    ];

    private static List<(string Name, Func<Scene, OpCase> Build)> Pairs(LinearShape shape) =>
    [
        ("Linear of groups", s => LowRankGroupsTests.Forward(s, Grouped(shape))),
        ("LinearBackward of groups", s => LowRankGroupsTests.Backward(s, Grouped(shape))),
        ("Linear of pairs", s => LinearTests.Forward(s, shape)),
        ("LinearBackward of pairs", s => LinearTests.Backward(s, shape)),
    ];

    private static GroupedShape Grouped(LinearShape shape) => new(
        shape.M, shape.N, shape.K, new RowGroup(1, shape.M / 2, 8), new RowGroup(shape.M / 2 + 1, 5, 8));

    private static List<(string Name, Func<Scene, OpCase> Build)> List(
        int rows, int cols, int vocabulary, LinearShape linear, GatedMlpTests.MlpShape mlp, AttentionCase attention)
    {
        int headSize = cols / 2 * 2, length = rows * cols;
        AdamWTests.Parts pulled = new(DType.F32, Copy: true, DType.F32);
        LinearCrossEntropyTests.LossShape loss = new(rows, cols, vocabulary);
        return
        [
            ("Convert", s => ConvertTests.Build(s, length)),
            ("Fill", s => FillTests.Build(s, length)),
            ("Add", s => AddTests.Forward(s, rows, cols)),
            ("GeGlu", s => GeGluTests.Forward(s, rows, cols)),
            ("GeGluBackward", s => GeGluTests.Backward(s, rows, cols)),
            ("SwiGlu", s => SwiGluTests.Forward(s, rows, cols)),
            ("SwiGluBackward", s => SwiGluTests.Backward(s, rows, cols)),
            ("Gelu", s => GeluTests.Forward(s, rows, cols)),
            ("GeluBackward", s => GeluTests.Backward(s, rows, cols)),
            ("Dropout", s => DropoutTests.Forward(s, rows, cols)),
            ("DropoutBackward", s => DropoutTests.Backward(s, rows, cols)),
            ("RmsNorm", s => RmsNormTests.Forward(s, rows, cols, 1)),
            ("RmsNormBackward", s => RmsNormTests.Backward(s, rows, cols, 1)),
            ("LayerNorm", s => LayerNormTests.Forward(s, rows, cols)),
            ("LayerNormBackward", s => LayerNormTests.Backward(s, rows, cols)),
            ("Rope", s => RopeTests.Forward(s, rows, 3, headSize, inverse: false)),
            ("Linear", s => LinearTests.Forward(s, linear)),
            ("LinearBackward", s => LinearTests.Backward(s, linear)),
            ("LinearResidual", s => LinearResidualTests.Forward(s, linear)),
            ("GatedMlp", s => GatedMlpTests.Forward(s, mlp)),
            ("GatedMlpBackward", s => GatedMlpTests.Backward(s, mlp)),
            ("Attention", attention.Forward),
            ("AttentionBackward", attention.Backward),
            ("Embedding", s => EmbeddingTests.Forward(s, rows, cols, vocabulary)),
            ("EmbeddingBackward", s => EmbeddingTests.Backward(s, rows, cols, vocabulary)),
            ("LinearCrossEntropy", s => LinearCrossEntropyTests.Build(s, loss)),
            ("GradientSquaredNorm", s => GradientSquaredNormTests.Build(s, length, pulls: true)),
            ("AdamW", s => AdamWTests.Build(s, length, pulled)),
            ("WeightedSum", s => WeightedSumTests.Build(s, length)),
            ("Dot", s => DotTests.Build(s, length, fromOrigin: true)),
        ];
    }
}
