using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>
/// What the cpu backend promises beyond agreement: bits that do not depend on rows, threads or history.
/// </summary>
public sealed class CpuLinearTests
{
    private const int Rows = 130, Inner = 70, Cols = 101, Rank = 5;

    [Test]
    public void Row_HasTheBitsItHasAlone([Values(DType.F32, DType.BF16)] DType type)
    {
        using CpuBackend backend = new(threads: 2);
        using Operands all = new(backend, type);
        byte[] together = all.Forward(0, Rows);
        int rowBytes = together.Length / Rows;
        foreach (int row in new[] { 0, 1, 13, 14, 111, 112, Rows - 1 })
            Assert.That(
                all.Forward(row, 1), Is.EqualTo(together[(row * rowBytes)..((row + 1) * rowBytes)]), $"row {row}");
    }

    [Test]
    public void Bits_DoNotDependOnThreads([Values(DType.F32, DType.BF16)] DType type)
    {
        byte[][] first = [];
        foreach (int threads in new[] { 1, 2, 8 })
        {
            using CpuBackend backend = new(threads);
            using Operands all = new(backend, type);
            byte[][] results = [all.Forward(0, Rows), .. all.Backward(Rows)];
            if (first.Length == 0)
                first = results;
            Assert.That(results, Is.EqualTo(first), $"{threads} threads");
        }
    }

    [Test]
    public void WeightGradient_InTwoParts_HasTheBitsOfOne()
    {
        using CpuBackend backend = new(threads: 2);
        using Operands whole = new(backend, DType.F32), parts = new(backend, DType.F32);
        Assert.That(parts.Backward(64, Rows - 64), Is.EqualTo(whole.Backward(Rows)));
    }

    [Test]
    public void F32_HasTheSameBits_OnEveryInstructionSet()
    {
        byte[][]? first = null;
        foreach (SimdLevel level in Enum.GetValues<SimdLevel>().Where(level => level <= SimdLevels.Best))
        {
            using CpuBackend backend = new(threads: 2, SimdLevels.NameOf(level));
            using Operands all = new(backend, DType.F32);
            byte[][] results = [all.Forward(0, Rows), .. all.Backward(Rows)];
            first ??= results;
            Assert.That(results, Is.EqualTo(first), backend.InstructionSet);
        }
    }

    [Test]
    public void F64_IsRefused()
    {
        using CpuBackend backend = new(threads: 1);
        using DeviceBuffer memory = backend.Allocate(256);
        Tensor tensor = memory.At(0, DType.F64, new Shape(2, 2));
        Assert.That(
            () => backend.Linear(tensor, new LinearWeight(tensor), tensor),
            Throws.ArgumentException.With.Message.Contains("F64"));
    }

    /// <summary>A linear layer with bias and adapter, its input and gradients, filled from a fixed seed.</summary>
    private sealed class Operands : RandomTensors
    {
        private readonly Tensor _x, _y, _dy, _dx, _projected;
        private readonly LinearWeight _weight;
        private readonly LinearGradient _gradient;

        public Operands(CpuBackend backend, DType type)
            : base(backend, seed: 17)
        {
            _x = Take(type, Rows, Inner);
            _y = Take(type, Rows, Cols);
            _dy = Take(type, Rows, Cols);
            _dx = Take(type, Rows, Inner);
            _projected = Take(type, Rows, Rank);
            _weight = new LinearWeight(
                Take(type, Cols, Inner), Take(type, 1, Cols),
                new LowRank(Take(type, Rank, Inner), Take(type, Cols, Rank), 0.7f, _projected));
            _gradient = new LinearGradient(
                Take(DType.F32, Cols, Inner), Take(DType.F32, 1, Cols), Take(DType.F32, Rank, Inner),
                Take(DType.F32, Cols, Rank));
        }

        public byte[] Forward(int start, int count)
        {
            Tensor y = _y.Slice(start, count);
            Backend.Linear(_x.Slice(start, count), WeightOf(start, count), y);
            return Bytes(y);
        }

        /// <summary>All gradients, the rows given in parts of these sizes.</summary>
        public byte[][] Backward(params int[] parts)
        {
            Backend.Linear(_x, _weight, _y);
            int start = 0;
            foreach (int count in parts)
            {
                Backend.LinearBackward(
                    _x.Slice(start, count), WeightOf(start, count), _dy.Slice(start, count), _dx.Slice(start, count),
                    _gradient);
                start += count;
            }

            return
            [
                Bytes(_dx), Bytes(_gradient.Weight), Bytes(_gradient.Bias), Bytes(_gradient.A), Bytes(_gradient.B),
            ];
        }

        private LinearWeight WeightOf(int start, int count) =>
            _weight with { Adapter = _weight.Adapter with { Projected = _projected.Slice(start, count) } };
    }
}
