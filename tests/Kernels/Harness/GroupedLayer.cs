using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>A group of a layer's rows and the rank of its term.</summary>
public readonly record struct RowGroup(int Start, int Rows, int Rank);

/// <summary>A layer's shape and the groups of its rows.</summary>
public sealed record GroupedShape(int M, int N, int K, params RowGroup[] Groups)
{
    /// <summary>One group, and several with rows in none before, between and after; ranks that differ; none at all.
    /// </summary>
    public static IReadOnlyList<GroupedShape> Biting =>
    [
        new(5, 7, 3, new RowGroup(0, 5, 2)), new(9, 17, 15, new RowGroup(2, 3, 3), new RowGroup(5, 1, 3)),
        new(40, 33, 31, new(0, 7, 8), new(7, 1, 1), new(11, 29, 17)), new(6, 16, 16),
        new(150, 97, 66, new(1, 33, 8), new(34, 100, 8), new(140, 0, 8), new(140, 7, 8)),
        new(130, 33, 70, new(0, 50, 6), new(50, 20, 3), new(70, 60, 6)),
        new(3, 40, 20, new(0, 0, 4), new(1, 2, 4), new(3, 0, 4)), new(4, 5, 0, new RowGroup(1, 2, 3)),
        new(4, 0, 5, new RowGroup(1, 2, 3)),
    ];

    public int MostRank => Groups.Select(group => group.Rank).DefaultIfEmpty(0).Max();

    /// <summary>Stretches of rows that are in no group.</summary>
    public IEnumerable<RowGroup> Gaps
    {
        get
        {
            int end = 0;
            foreach (RowGroup group in Groups)
            {
                if (group.Start > end)
                    yield return new RowGroup(end, group.Start - end, 0);
                end = group.Start + group.Rows;
            }

            if (M > end)
                yield return new RowGroup(end, M - end, 0);
        }
    }

    public override string ToString() => $"[{M}, {K}] x [{N}, {K}] + {string.Join(", ", Groups)}";
}

/// <summary>Operands of a layer with a low-rank term for each group of its rows.</summary>
internal sealed class GroupedLayer
{
    private const float Scale = 0.75f;

    private readonly Scene _scene;
    private readonly GroupedShape _shape;
    private readonly Tensor[] _a, _b, _dA, _dB;

    public GroupedLayer(Scene s, GroupedShape shape, bool bias = true)
    {
        (_scene, _shape) = (s, shape);
        X = s.Activation(shape.M, shape.K);
        Input = s.Activation(shape.M, shape.K);
        Dy = s.Activation(shape.M, shape.N);
        Weight = new LinearWeight(s.Weight(shape.N, shape.K), bias ? s.Weight(shape.N) : Tensor.None);
        _a = [.. shape.Groups.Select(group => s.Weight(group.Rank, shape.K))];
        _b = [.. shape.Groups.Select(group => s.Weight(shape.N, group.Rank))];
        _dA = [.. shape.Groups.Select(group => s.Statistic(group.Rank, shape.K))];
        _dB = [.. shape.Groups.Select(group => s.Statistic(shape.N, group.Rank))];
        Projected = s.Activation(shape.M, shape.MostRank);
    }

    public Tensor X { get; }

    /// <summary>What the adapters multiply where that is not <see cref="X"/>.</summary>
    public Tensor Input { get; }

    public Tensor Dy { get; }

    public Tensor Projected { get; }

    /// <summary>Without adapters.</summary>
    public LinearWeight Weight { get; }

    /// <summary>A, B, dA, dB of a group.</summary>
    public (Tensor A, Tensor B, Tensor DA, Tensor DB) Of(int group) => (_a[group], _b[group], _dA[group], _dB[group]);

    /// <param name="leaves">A group that has no term, or −1.</param>
    /// <param name="packs">Whether the weight is packed beforehand.</param>
    public LinearWeight Grouped(bool ownInput = false, int leaves = -1, bool overwrites = false, bool packs = false)
    {
        LowRankGroups groups = new();
        for (int index = 0; index < _a.Length; index++)
            if (index != leaves)
                groups.Add(new LowRankGroup(
                    _shape.Groups[index].Start, _shape.Groups[index].Rows, _a[index], _b[index], Scale,
                    new LowRankGradient(_dA[index], _dB[index], overwrites)));
        Tensor projected =
            groups.MostRank == _shape.MostRank ? Projected : _scene.NewActivation(_shape.M, groups.MostRank);
        return Weight with
        {
            Adapter = new LowRank(groups, projected, ownInput ? Input : Tensor.None),
            Packed = packs ? LinearParts.Packed(_scene, Weight.Weight) : default,
        };
    }

    /// <summary>The layer with the term of one group alone, for that group's rows alone.</summary>
    public LinearWeight Alone(int group, Tensor projected, bool ownInput = false) => Weight with
    {
        Adapter = new LowRank(_a[group], _b[group], Scale, projected, ownInput ? Rows(Input, group) : Tensor.None),
    };

    public Tensor Rows(Tensor tensor, int group) => tensor.Slice(_shape.Groups[group].Start, _shape.Groups[group].Rows);

    /// <summary>The values that some rows of an operand were made with.</summary>
    public Matrix Drawn(Tensor tensor, RowGroup rows) => new(
        [.. _scene.Drawn(tensor).Skip(rows.Start * (int)tensor.Cols).Take(rows.Rows * (int)tensor.Cols)], rows.Rows,
        (int)tensor.Cols);

    /// <summary>The values of scale · x Aᵀ of a group.</summary>
    public Matrix DrawnProjected(RowGroup rows) => new(
        [.. _scene.Drawn(Projected).Skip(rows.Start * _shape.MostRank).Take(rows.Rows * rows.Rank)], rows.Rows,
        rows.Rank);
}
