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

    /// <summary>Checksums that every instruction set must reach: runs with wide SIMD off compare with them.</summary>
    [Test]
    public void Bits_AreTheSame_OnEveryInstructionSet()
    {
        Assert.That(
            (Checksum.Of(RunAll(2, Types.Single)), Checksum.Of(RunAll(2, Types.Brain))),
            Is.EqualTo((1668014359u, 1809400739u)));
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
        Random random = new(1);
        Tensor x = Activation(Rows, Cols), dy = Activation(Rows, Cols), dx = Activation(Rows, Cols);
        Tensor y = s.NewActivation(Rows, Cols), w = Weight(Cols), b = Weight(Cols);
        Tensor dw = Statistic(Cols), db = Statistic(Cols), mean = Statistic(Rows), rstd = Statistic(Rows);
        Tensor keys = s.Device.Put([.. Enumerable.Range(0, Rows).Select(row => (row * 7919L) << 20)]);
        Tensor positions = s.Integers([.. Enumerable.Range(0, Rows).Select(row => row % 9)]), table = Statistic(9, 50);
        Tensor gate = Activation(Length), up = Activation(Length), z = s.NewActivation(Length);
        Tensor g = Statistic(Length), theta = Weight(Length), m = Statistic(Length), anchor = Weight(Length);
        Tensor v = s.StatisticOf([.. Uniform(Length).Select(Math.Abs)], Length);
        Tensor norm = s.Device.Put([0.0], DType.F64, new Shape(1));
        Tensor dot = s.Device.Put([0.0], DType.F64, new Shape(1));
        Pull pull = new(anchor, 0.1f);
        AdamWStep step = new(1e-3f, 0.9f, 0.99f, 1e-8f, 0.1f, 0.5f, 3);
        Tensor copy = z.Type == DType.BF16 ? z : Tensor.None;
        return
        [
            (() => backend.RmsNorm(x, w, 1, 1e-6f, y, rstd), [y, rstd]),
            (() => backend.RmsNormBackward(x, w, 1, rstd, dy, dx, dw), [dx, dw]),
            (() => backend.LayerNorm(x, w, b, 1e-6f, y, mean, rstd), [y, mean, rstd]),
            (() => backend.LayerNormBackward(x, w, mean, rstd, dy, dx, dw, db), [dx, dw, db]),
            (() => backend.Rope(positions, table, false, y), [y]),
            (() => backend.Dropout(x, keys, 0.3f, new DropoutKey(1, 2, 3), y), [y]),
            (() => backend.DropoutBackward(dy, keys, 0.3f, new DropoutKey(1, 2, 3), dx), [dx]),
            (() => backend.SwiGlu(gate, up, z), [z]),
            (() => backend.GeGlu(gate, up, z), [z]),
            (() => backend.Gelu(gate, z), [z]),
            (() => backend.Add(gate, up, z), [z]),
            (() => backend.SwiGluBackward(gate, up, z, gate, up), [gate, up]),
            (() => backend.GeGluBackward(gate, up, z, gate, up), [gate, up]),
            (() => backend.GeluBackward(gate, z, up), [up]),
            (() => backend.GradientSquaredNorm(g, theta, pull, norm), [norm]),
            (() => backend.Dot(gate, up, anchor, dot), [dot]),
            (() => backend.AdamW(g, pull, step, theta, m, v, copy), [theta, m, v, z]),
        ];

        Tensor Activation(params long[] shape) => s.ActivationOf(Uniform(shape), shape);
        Tensor Weight(params long[] shape) => s.WeightOf(Uniform(shape), shape);
        Tensor Statistic(params long[] shape) => s.StatisticOf(Uniform(shape), shape);

        // Without functions of the platform's library: checksums compare the results of different machines.
        double[] Uniform(params long[] shape) =>
            [.. Enumerable.Range(0, (int)new Shape(shape).Length).Select(_ => 4 * random.NextDouble() - 2)];
    }
}
