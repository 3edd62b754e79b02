using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>What the bits of row, elementwise and whole-tensor ops do not depend on: other rows and workers.</summary>
public sealed class RowBitsTests
{
    private const int Rows = 150, Cols = 100;

    private static readonly Types[] AllTypes = [Types.Single, Types.Brain];

    [Test]
    public void Bits_AreTheSame_ForAnyNumberOfWorkers([ValueSource(nameof(AllTypes))] Types types)
    {
        byte[] expected = RunAll(1, types);
        foreach (int threads in (ReadOnlySpan<int>)[2, 3, 8])
            Assert.That(RunAll(threads, types), Is.EqualTo(expected), $"{threads} workers");
    }

    [Test]
    public void Row_HasTheSameBits_AloneAndAmongOthers([ValueSource(nameof(AllTypes))] Types types)
    {
        using CpuBackend backend = new(2);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.Activation(Rows, Cols), w = s.Weight(Cols), b = s.Weight(Cols), y = s.NewActivation(Rows, Cols);
        Tensor mean = s.NewStatistic(Rows), rstd = s.NewStatistic(Rows), positions = s.Integers(s.Below(9, Rows));
        Tensor table = s.Statistic(9, 50);
        byte[] all = Forward(x, y, positions, mean, rstd, Rows - 1);
        Tensor row = device.Put(device.Read(x.Slice(Rows - 1, 1)), x.Type, new Shape(1, Cols));
        Tensor place = device.Put([BitConverter.ToInt32(device.Bytes(positions), 4 * (Rows - 1))], new Shape(1));
        byte[] alone = Forward(
            row, s.NewActivation(1, Cols), place, s.NewStatistic(1), s.NewStatistic(1), 0);
        Assert.That(alone, Is.EqualTo(all));

        byte[] Forward(Tensor input, Tensor output, Tensor places, Tensor means, Tensor rstds, int at)
        {
            backend.RmsNorm(input, w, 1, 1e-6f, output, rstds);
            byte[] first = device.Bytes(output.Slice(at, 1));
            backend.LayerNorm(input, w, b, 1e-6f, output, means, rstds);
            byte[] second = device.Bytes(output.Slice(at, 1));
            backend.Rope(places, table, false, output);
            return [.. first, .. second, .. device.Bytes(output.Slice(at, 1))];
        }
    }

    [Test]
    public void WeightedSum_HasTheBitsOfDoubleSums([ValueSource(nameof(AllTypes))] Types types)
    {
        const int Length = 5001;
        using CpuBackend backend = new(2);
        using Device device = new(backend);
        Scene s = new(device, types), other = new(device, types == Types.Single ? Types.Brain : Types.Single, 2);
        Tensor x = s.Activation(Length), y = other.Activation(Length), z = s.Activation(Length);
        double[] weights = [0.3, -0.7, 1.4];
        double[] expected = [.. Enumerable.Range(0, Length).Select(i => Units.Rounded(
            weights[0] * s.Drawn(x)[i] + weights[1] * other.Drawn(y)[i] + weights[2] * s.Drawn(z)[i],
            types.Activation))];
        backend.WeightedSum([x, y, z], weights, z);
        Assert.That(device.Read(z), Is.EqualTo(expected));
    }

    [Test]
    public void SteadyState_AllocatesNothing()
    {
        using CpuBackend backend = new(1);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        List<(Action Run, Tensor[] Outputs)> ops = Ops(s);
        long[] allocated = new long[ops.Count];
        for (int round = 0; round < 2; round++)
            for (int op = 0; op < ops.Count; op++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                ops[op].Run();
                allocated[op] = GC.GetAllocatedBytesForCurrentThread() - before;
            }

        Assert.That(allocated, Is.All.Zero);
    }

    /// <summary>Bytes of all that the ops write.</summary>
    private static byte[] RunAll(int threads, Types types)
    {
        using CpuBackend backend = new(threads);
        using Device device = new(backend);
        List<byte> bytes = [];
        foreach (var (run, outputs) in Ops(new Scene(device, types)))
        {
            run();
            foreach (Tensor output in outputs)
                bytes.AddRange(device.Bytes(output));
        }

        device.CheckBorders();
        return [.. bytes];
    }

    /// <summary>Ops whose work is shared by rows, elements or blocks of them, in sizes that several share.</summary>
    private static List<(Action Run, Tensor[] Outputs)> Ops(Scene s)
    {
        const int Length = 70_001;
        Backend backend = s.Backend;
        Tensor x = s.Activation(Rows, Cols), dy = s.Activation(Rows, Cols), dx = s.Activation(Rows, Cols);
        Tensor w = s.Weight(Cols), dw = s.Statistic(Cols), db = s.Statistic(Cols);
        Tensor mean = s.Statistic(Rows), rstd = s.Statistic(Rows), keys = s.Device.Put(new long[Rows]);
        Tensor gate = s.Activation(Length), up = s.Activation(Length), y = s.NewActivation(Length);
        Tensor g = s.Statistic(Length), theta = s.Weight(Length), m = s.Statistic(Length), copy = y;
        Tensor v = s.StatisticOf([.. s.Normal(Length).Select(Math.Abs)], Length), anchor = s.Weight(Length);
        Tensor norm = s.Device.Put([0.0], DType.F64, new Shape(1));
        Tensor dot = s.Device.Put([0.0], DType.F64, new Shape(1));
        Pull pull = new(anchor, 0.1f);
        AdamWStep step = new(1e-3f, 0.9f, 0.99f, 1e-8f, 0.1f, 0.5f, 3);
        Tensor brain = copy.Type == DType.BF16 ? copy : Tensor.None;
        return
        [
            (() => backend.RmsNormBackward(x, w, 1, rstd, dy, dx, dw), [dx, dw]),
            (() => backend.LayerNormBackward(x, w, mean, rstd, dy, dx, dw, db), [dx, dw, db]),
            (() => backend.SwiGlu(gate, up, y), [y]),
            (() => backend.GeGlu(gate, up, y), [y]),
            (() => backend.Gelu(gate, y), [y]),
            (() => backend.Add(gate, up, y), [y]),
            (() => backend.Dropout(x, keys, 0.3f, new DropoutKey(1, 2, 3), dx), [dx]),
            (() => backend.GradientSquaredNorm(g, theta, pull, norm), [norm]),
            (() => backend.Dot(gate, up, anchor, dot), [dot]),
            (() => backend.AdamW(g, pull, step, theta, m, v, brain), [theta, m, v, y]),
        ];
    }
}
