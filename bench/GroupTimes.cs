using System.Diagnostics;
using System.Globalization;
using FastCpt.Bench.Kernels;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times a frozen layer with an adapter for each of several groups of rows, forward and backward.</summary>
/// <remarks>Against one adapter over as many rows, and against a pass for each group alone, with weights that are
/// packed once and without. They take turns, and medians are compared. Beside them dropout of the input, once.
/// </remarks>
internal static class GroupTimes
{
    private const int Rounds = 31, Groups = 8;

    private static readonly ProductShape[] Layers =
    [
        new("XLM-R q", 0, 768, 768), new("XLM-R up", 0, 3072, 768), new("XLM-R down", 0, 768, 3072),
    ];

    /// <param name="type">Of activations, weights and adapters.</param>
    public static int Run(DType type)
    {
        using Backend backend = Backends.Open("cpu");
        Console.WriteLine(
            $"| layer, {type} | rows | rank | one adapter ms | {Groups} groups ms | {Groups} passes ms | groups / one "
            + "| passes / groups | the same, not packed | dropout ms |\n|---|---|---|---|---|---|---|---|---|---|");
        foreach (ProductShape layer in Layers)
            foreach (int rows in (int[])[100, 400])
                foreach (int rank in (int[])[8, 32])
                    Measure(backend, layer, rows, rank, type);
        return 0;
    }

    private static void Measure(Backend backend, ProductShape layer, int rows, int rank, DType type)
    {
        using Arena arena = new(backend);
        Case all = new(backend, arena, layer, rows, rank, type);
        Case bare = new(backend, arena, layer, rows, rank, type, packs: false);
        double[] seconds = Medians(all.One, all.Together, all.Apart, bare.Together, bare.Apart, all.Drop);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {layer.Name}, {layer.N} x {layer.K} | {Groups} x {rows} | {rank} | {seconds[0] * 1e3:F2} | "
            + $"{seconds[1] * 1e3:F2} | {seconds[2] * 1e3:F2} | {seconds[1] / seconds[0]:F2} | "
            + $"{seconds[2] / seconds[1]:F2} | {seconds[4] / seconds[3]:F2} | {seconds[5] * 1e3:F2} |"));
    }

    private static double[] Medians(params Action[] actions)
    {
        double[][] seconds = [.. actions.Select(_ => new double[Rounds])];
        for (int round = 0; round < Rounds; round++)
            for (int action = 0; action < actions.Length; action++)
            {
                long start = Stopwatch.GetTimestamp();
                actions[action]();
                seconds[action][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

        return [.. seconds.Select(times => times.Order().ElementAt(Rounds / 2))];
    }

    /// <summary>One layer, its adapters, and the three ways to run them.</summary>
    private sealed class Case
    {
        private readonly Backend _backend;
        private readonly int _rows;
        private readonly Tensor _x, _y, _dx, _keys;
        private readonly LinearWeight _frozen;
        private readonly LowRank[] _adapters;
        private readonly LinearGradient[] _gradients;
        private readonly LowRank _groups, _one;

        public Case(
            Backend backend, Arena arena, ProductShape layer, int rows, int rank, DType type, bool packs = true)
        {
            (_backend, _rows) = (backend, rows);
            int all = Groups * rows;
            _x = Filled(type, all, layer.K);
            _y = Filled(type, all, layer.N);
            _dx = Filled(type, all, layer.K);
            Tensor weight = Filled(type, layer.N, layer.K), projected = Filled(type, all, rank);
            _frozen = new LinearWeight(weight);
            if (packs)
                _frozen = _frozen with
                {
                    Packed = new PackedWeight(Packed(WeightSide.Forward), Packed(WeightSide.Backward)),
                };
            _keys = arena.Take(DType.I64, new Shape(all));
            backend.Upload(new byte[_keys.Bytes], _keys);
            LowRankGroups groups = new();
            _adapters = new LowRank[Groups];
            _gradients = new LinearGradient[Groups];
            for (int group = 0; group < Groups; group++)
            {
                Tensor a = Filled(type, rank, layer.K), b = Filled(type, layer.N, rank);
                Tensor dA = Filled(DType.F32, rank, layer.K), dB = Filled(DType.F32, layer.N, rank);
                _adapters[group] = new LowRank(a, b, 2, projected.Slice(group * rows, rows));
                _gradients[group] = new LinearGradient(A: dA, B: dB, Overwrites: true);
                groups.Add(new LowRankGroup(group * rows, rows, a, b, 2, new LowRankGradient(dA, dB, true)));
            }

            _groups = new LowRank(groups, projected);
            _one = _adapters[0] with { Projected = projected };

            Tensor Filled(DType of, long height, long width)
            {
                Tensor tensor = arena.Take(of, new Shape(height, width));
                backend.Fill(0.01, tensor);
                return tensor;
            }

            Tensor Packed(WeightSide side)
            {
                Tensor packed = arena.Take(DType.F32, new Shape(backend.PackedFloats(weight, side)));
                backend.PackWeight(weight, side, packed);
                return packed;
            }
        }

        public void One() => Run(_one, 0, Groups * _rows, _gradients[0]);

        public void Together() => Run(_groups, 0, Groups * _rows, default);

        public void Drop() => _backend.Dropout(_x, _keys, 0.1f, new DropoutKey(1, 2, 3), _dx);

        public void Apart()
        {
            for (int group = 0; group < Groups; group++)
                Run(_adapters[group], group * _rows, _rows, _gradients[group]);
        }

        private void Run(in LowRank adapter, int start, int count, in LinearGradient gradient)
        {
            LinearWeight w = _frozen with { Adapter = adapter };
            Tensor x = _x.Slice(start, count), y = _y.Slice(start, count);
            _backend.Linear(x, w, y);
            _backend.LinearBackward(x, w, y, _dx.Slice(start, count), gradient);
        }
    }
}
