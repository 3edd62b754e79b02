using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>The loss head in groups and stretches: the same bits however it is cut, within bounds of memory.</summary>
public sealed class CpuLossTests
{
    private const long MostScratchBytes = 64L << 20;

    [Test]
    public void Bits_DoNotDependOnTheMemoryForLogits(
        [Values(DType.F32, DType.BF16)] DType type, [Values(false, true)] bool everyRowCounts)
    {
        // 300 rows of 5,000 pieces: at once; 2 groups with all pieces; stretches of 1,024 pieces.
        byte[][] expected = Losses(type, everyRowCounts, threads: 2, 300 * 5000 * sizeof(float));
        foreach (long bytes in new[] { 200L * 5000 * sizeof(float), 300 * 2048 * sizeof(float), 1 })
            Assert.That(Losses(type, everyRowCounts, threads: 2, bytes), Is.EqualTo(expected), $"{bytes} bytes");
    }

    [Test]
    public void Bits_DoNotDependOnThreads([Values(DType.F32, DType.BF16)] DType type)
    {
        byte[][] expected = Losses(type, everyRowCounts: false, threads: 1, 1 << 20);
        foreach (int threads in new[] { 2, 8 })
            Assert.That(Losses(type, everyRowCounts: false, threads, 1 << 20), Is.EqualTo(expected), $"{threads}");
    }

    [Test]
    public void LossOfARow_IsTheSame_AloneAndWithoutGradients()
    {
        using CpuBackend backend = new(threads: 2);
        using RandomTensors tensors = new(backend, seed: 5);
        int[] targets = [.. Enumerable.Range(0, 60).Select(row => row * 37)];
        Tensor x = tensors.Take(DType.F32, 60, 24), w = tensors.Take(DType.F32, 3001, 24);
        Tensor losses = tensors.Take(DType.F32, 1, 60), loss = tensors.Take(DType.F32, 1, 1);
        Tensor dx = tensors.Take(DType.F32, 60, 24);
        backend.LinearCrossEntropy(x, new(w), tensors.Take(targets), 1, losses, dx, default);
        byte[] together = tensors.Bytes(losses);
        foreach (int row in new[] { 0, 31, 59 })
        {
            backend.LinearCrossEntropy(
                x.Slice(row, 1), new(w), tensors.Take([targets[row]]), 1, loss, Tensor.None, default);
            Assert.That(tensors.Bytes(loss), Is.EqualTo(together[(4 * row)..(4 * row + 4)]), $"row {row}");
        }
    }

    [Test]
    [Category("slow")]
    public void LargestVocabulary_StaysWithin64MiB([Values(false, true)] bool wantsGradient)
    {
        using CpuBackend backend = new(threads: 2);
        using RandomTensors tensors = new(backend, seed: 1);
        const int Rows = 4096, Width = 16, Vocabulary = 262_208;
        Tensor x = tensors.Take(DType.F32, Rows, Width), w = tensors.Take(DType.F32, Vocabulary, Width);
        Tensor losses = tensors.Take(DType.F32, 1, Rows);
        Tensor targets = tensors.Take([.. Enumerable.Range(0, Rows).Select(row => row % 5 == 4 ? -1 : 64 * row)]);
        Tensor dx = wantsGradient ? tensors.Take(DType.F32, Rows, Width) : Tensor.None;
        Tensor dw = wantsGradient ? tensors.Take(DType.F32, Vocabulary, Width) : Tensor.None;
        backend.LinearCrossEntropy(x, new(w), targets, 1f / Rows, losses, dx, new(dw));
        // At least the logits of one stretch: 2,048 pieces for a quarter of the 3,277 rows that predict.
        const long Logits = 2048 * 820 * sizeof(float);
        Assert.That(backend.ScratchBytes, Is.GreaterThan(Logits).And.LessThan(20 << 20));
        float[] values = [.. tensors.Bytes(losses).Chunk(4).Select(bytes => BitConverter.ToSingle(bytes))];
        Assert.That(values.Where((_, row) => row % 5 == 4), Is.All.Zero);
        // Logits have a variance of 16/9, so the loss is near log V + 8/9.
        Assert.That(
            values.Where((_, row) => row % 5 != 4).Average(), Is.EqualTo(Math.Log(Vocabulary) + 8.0 / 9).Within(0.2));
    }

    [Test]
    [Category("slow")]
    public void KeptLogits_StayWithin150MiB()
    {
        using CpuBackend backend = new(threads: 2);
        using RandomTensors tensors = new(backend, seed: 1);
        const int Rows = 1100, Width = 16, Vocabulary = 32_000;
        Tensor x = tensors.Take(DType.F32, Rows, Width), w = tensors.Take(DType.F32, Vocabulary, Width);
        backend.LinearCrossEntropy(
            x, new(w), tensors.Take([.. Enumerable.Range(0, Rows)]), 1, tensors.Take(DType.F32, 1, Rows),
            tensors.Take(DType.F32, Rows, Width), new(tensors.Take(DType.F32, Vocabulary, Width)));
        // Two groups of 550 rows: all their logits, and not much more.
        const long Logits = 550L * Vocabulary * sizeof(float);
        Assert.That(backend.ScratchBytes, Is.GreaterThan(Logits).And.LessThan(150 << 20));
    }

    [Test]
    public void WideRows_StayWithin64MiB([Values(DType.F32, DType.BF16)] DType type)
    {
        using CpuBackend backend = new(threads: 2);
        using RandomTensors tensors = new(backend, seed: 1);
        const int Rows = 200, Width = 2560, Vocabulary = 3000;
        Tensor x = tensors.Take(type, Rows, Width), w = tensors.Take(type, Vocabulary, Width);
        Tensor targets = tensors.Take([.. Enumerable.Range(0, Rows).Select(row => row % 3 == 0 ? -1 : row)]);
        backend.LinearCrossEntropy(
            x, new(w), targets, 1, tensors.Take(DType.F32, 1, Rows), tensors.Take(type, Rows, Width),
            new(tensors.Take(DType.F32, Vocabulary, Width)));
        Assert.That(backend.ScratchBytes, Is.LessThan(MostScratchBytes));
    }

    /// <returns>Bytes of losses, dx and dw.</returns>
    private static byte[][] Losses(DType type, bool everyRowCounts, int threads, long logitBytes)
    {
        using CpuBackend backend = new(threads) { LogitBytes = logitBytes, KeptLogitBytes = logitBytes };
        using RandomTensors tensors = new(backend, seed: 3);
        const int Rows = 300, Width = 40, Vocabulary = 5000;
        Tensor x = tensors.Take(type, Rows, Width), w = tensors.Take(type, Vocabulary, Width);
        Tensor losses = tensors.Take(DType.F32, 1, Rows), dx = tensors.Take(type, Rows, Width);
        Tensor dw = tensors.Take(DType.F32, Vocabulary, Width);
        int[] targets =
            [.. Enumerable.Range(0, Rows).Select(row => everyRowCounts || row % 7 != 3 ? row * 16 % Vocabulary : -1)];
        backend.LinearCrossEntropy(x, new(w), tensors.Take(targets), 0.01f, losses, dx, new(dw));
        return [tensors.Bytes(losses), tensors.Bytes(dx), tensors.Bytes(dw)];
    }
}
