using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>Gated feed-forward layers go by blocks of rows: the same bits however many there are.</summary>
public sealed class CpuGatedMlpTests
{
    private const int Rows = 101, Width = 24, Inner = 50, Rank = 3;

    [Test]
    public void Bits_DoNotDependOnBlocksOfRows([Values(DType.F32, DType.BF16)] DType type, [Values] Gate kind)
    {
        byte[][] expected = Results(type, kind, mostRows: Rows + 1);
        foreach (int mostRows in new[] { 2, 30, 100 })
            Assert.That(Results(type, kind, mostRows), Is.EqualTo(expected), $"blocks of {mostRows} rows");
    }

    /// <returns>Bytes of the output and of all gradients, adapters included.</returns>
    private static byte[][] Results(DType type, Gate kind, int mostRows)
    {
        using CpuBackend backend = new(threads: 2) { MostHiddenRows = mostRows };
        using RandomTensors tensors = new(backend, seed: 8);
        Tensor x = tensors.Take(type, Rows, Width), residual = tensors.Take(type, Rows, Width);
        Tensor y = tensors.Take(type, Rows, Width), dy = tensors.Take(type, Rows, Width);
        Tensor dx = tensors.Take(type, Rows, Width);
        Tensor gated = tensors.Take(type, Rows, Inner), upped = tensors.Take(type, Rows, Inner);
        LinearWeight gate = Weight(Inner, Width), up = Weight(Inner, Width), down = Weight(Width, Inner);
        LinearGradient dGate = Gradient(Inner, Width), dUp = Gradient(Inner, Width), dDown = Gradient(Width, Inner);
        backend.GatedMlp(x, gate, up, down, kind, residual, gated, upped, y);
        backend.GatedMlpBackward(x, gate, up, down, kind, gated, upped, dy, dx, dGate, dUp, dDown);
        return
        [
            tensors.Bytes(y), tensors.Bytes(dx), .. Parts(dGate), .. Parts(dUp), .. Parts(dDown),
            tensors.Bytes(gated), tensors.Bytes(upped),
        ];

        LinearWeight Weight(int outputs, int inputs) => new(
            tensors.Take(type, outputs, inputs), default,
            new LowRank(
                tensors.Take(type, Rank, inputs), tensors.Take(type, outputs, Rank), 0.5f,
                tensors.Take(type, Rows, Rank)));

        LinearGradient Gradient(int outputs, int inputs) => new(
            tensors.Take(DType.F32, outputs, inputs), default, tensors.Take(DType.F32, Rank, inputs),
            tensors.Take(DType.F32, outputs, Rank));

        byte[][] Parts(LinearGradient d) => [tensors.Bytes(d.Weight), tensors.Bytes(d.A), tensors.Bytes(d.B)];
    }
}
