using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class EmbeddingTests
{
    private const float Scale = 25.25f; // √640 in BF16, as in Gemma

    private static IReadOnlyList<(int Rows, int Cols, int Vocabulary)> Shapes =>
        [(0, 8, 3), (1, 1, 1), (1, 16, 9), (3, 17, 2), (40, 15, 5), (33, 70, 300), (200, 33, 7)];

    internal static OpCase Forward(Scene s, int rows, int cols, int vocabulary)
    {
        Tensor table = s.Weight(vocabulary, cols), y = s.NewActivation(rows, cols);
        int[] ids = s.Below(vocabulary, rows);
        Tensor pieces = s.Integers(ids);
        return new OpCase(
            () => s.Backend.Embedding(pieces, table, Scale, y),
            Output.Each(
                "y", y, (i, _) => Units.Single * Scale * Math.Abs(s.Drawn(table)[ids[i / cols] * cols + i % cols])));
    }

    internal static OpCase Backward(Scene s, int rows, int cols, int vocabulary)
    {
        Tensor dy = s.Activation(rows, cols), dTable = s.Statistic(vocabulary, cols);
        int[] ids = s.Below(vocabulary, rows);
        Tensor pieces = s.Integers(ids);
        return new OpCase(
            () => s.Backend.EmbeddingBackward(pieces, dy, Scale, -1, dTable),
            new Output("dTable", dTable, _ => TableErrors(s, ids, dy, dTable)));
    }

    /// <summary>A sum of what was there and a product for each row that holds the piece, at most all of them.</summary>
    private static double[] TableErrors(Scene s, int[] ids, Tensor dy, Tensor dTable)
    {
        int cols = (int)dy.Cols;
        double[] sums = Array.ConvertAll(s.Drawn(dTable), Math.Abs);
        int[] terms = new int[dTable.Rows];
        for (int row = 0; row < ids.Length; row++)
        {
            terms[ids[row]]++;
            for (int col = 0; col < cols; col++)
                sums[ids[row] * cols + col] += Scale * Math.Abs(s.Drawn(dy)[row * cols + col]);
        }

        return [.. sums.Select((sum, i) => terms[i / cols] == 0 ? 0 : (terms[i / cols] + 2) * Units.Single * sum)];
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Embedding_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols, vocabulary) in Shapes)
            Agreement.Check(backend, types, (rows, cols, vocabulary), s => Forward(s, rows, cols, vocabulary));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void EmbeddingBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols, vocabulary) in Shapes)
            Agreement.Check(backend, types, (rows, cols, vocabulary), s => Backward(s, rows, cols, vocabulary));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void EmbeddingBackward_OfPaddingAddsNothing(string name, Types types)
    {
        const int Padding = 2;
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor dy = s.Activation(6, 33), with = s.Statistic(5, 33), without = s.StatisticOf(s.Drawn(with), 5, 33);
        backend.EmbeddingBackward(s.Integers([0, 2, 4, 2, 0, 1]), dy, Scale, Padding, with);
        double[][] rows = [.. s.Drawn(dy).Chunk(33)];
        Tensor others = s.ActivationOf([.. rows[0], .. rows[2], .. rows[4], .. rows[5]], 4, 33);
        backend.EmbeddingBackward(s.Integers([0, 4, 0, 1]), others, Scale, -1, without);
        Assert.That(device.Read(with), Is.EqualTo(device.Read(without)));
        Assert.That(device.Read(with.Slice(Padding, 1)), Is.EqualTo(s.Drawn(with)[66..99]));
    }

    [Test]
    public void Embedding_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Tensor table = check.Scene.Weight(6, 5), y = check.Scene.NewActivation(9, 5);
        Tensor ids = check.Scene.Integers([0, 5, 2, 2, 3, 5, 0, 0, 4]);
        check.Check(
            [table], [y], () => check.Backend.Embedding(ids, table, Scale, y),
            (dy, d) => check.Backend.EmbeddingBackward(ids, dy[0], Scale, -1, d[0]));
    }

    [Test]
    public void Embedding_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor table = device.Empty(DType.BF16, new Shape(9, 4)), y = device.Empty(DType.F32, new Shape(2, 4));
        Tensor ids = device.Put([0, 8], new Shape(2)), three = device.Put([0, 1, 2], new Shape(3));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.Embedding(three, table, 1, y));
        Assert.Throws<ArgumentException>(() => backend.Embedding(device.Put([0L, 1L]), table, 1, y));
        Assert.Throws<ArgumentException>(() => backend.Embedding(ids, device.Empty(DType.F32, new Shape(9, 5)), 1, y));
        Assert.Throws<ArgumentException>(() => backend.Embedding(ids, device.Empty(DType.F64, new Shape(9, 4)), 1, y));
        Assert.Throws<ArgumentException>(() => backend.EmbeddingBackward(ids, y, 1, -1, table));
        Assert.Throws<ArgumentException>(
            () => backend.EmbeddingBackward(ids, y, 1, -1, device.Empty(DType.F32, new Shape(9, 5))));
    }
}
