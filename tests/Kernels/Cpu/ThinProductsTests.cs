using System.Runtime.InteropServices;
using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>Thin products are held, bit for bit, to the general ones, which are held to a scalar loop.</summary>
public sealed class ThinProductsTests
{
    private const float Scale = 0.7f;

    // One, and at, below and above: tiles of 10 and 13, a vector, a panel, what a worker stages, a block of rows.
    private static readonly (int Rows, int Cols, int Rank)[] Shapes =
    [
        (1, 2, 1), (9, 32, 8), (10, 34, 13), (11, 30, 14), (159, 64, 16), (161, 62, 17), (330, 96, 32), (37, 130, 33),
        (641, 700, 40), (130, 258, 70),
    ];

    private static IEnumerable<object[]> Cases() =>
        from level in Enum.GetValues<SimdLevel>()
        where level >= SimdLevel.Avx512 && level <= SimdLevels.Best
        from type in level == SimdLevel.Bf16 ? new[] { DType.F32, DType.BF16 } : [DType.F32]
        from threads in new[] { 1, 2, 5 }
        select new object[] { SimdLevels.NameOf(level), type, threads };

    [OneTimeSetUp]
    public void NeedsAvx512()
    {
        if (SimdLevels.Best < SimdLevel.Avx512)
            Assert.Ignore($"Thin products need AVX-512; the best here is {SimdLevels.NameOf(SimdLevels.Best)}.");
    }

    [TestCaseSource(nameof(Cases))]
    public void Project_HasTheBitsOfTheGeneralProduct(string level, DType type, int threads)
    {
        using Subject subject = new(level, threads);
        foreach (var (rows, cols, rank) in Shapes)
        {
            Tensor wide = subject.Take(type, rows, cols), output = subject.Take(type, rows, rank);
            Tensor lines = subject.Take(type, rank, cols), columns = subject.Take(type, cols, rank);
            Tensor sums = subject.Take(DType.F32, rows, rank), expected = subject.Take(type, rows, rank);
            foreach (Operand thin in (Operand[])[Operand.Lines(lines), Operand.Columns(columns)])
            {
                subject.Thin.AddProjection(wide, thin, Scale, output);
                subject.Thin.Project();
                subject.Gemm.Multiply(Product.To(sums).Plus(Operand.Lines(wide), thin, cols));
                subject.Scale(sums, expected);
                Assert.That(
                    subject.Bytes(output), Is.EqualTo(subject.Bytes(expected)), $"{rows} x {cols}, rank {rank}");
            }
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Transposed_HasTheBitsOfTheGeneralProduct(string level, DType type, int threads)
    {
        using Subject subject = new(level, threads);
        foreach (var (rows, cols, rank) in Shapes)
            foreach (var (turned, overwrites) in new[] { (false, false), (false, true), (true, false), (true, true) })
            {
                Tensor thin = subject.Take(type, rows, rank), wide = subject.Take(type, rows, cols + 1);
                Tensor left = turned ? wide : thin, right = turned ? thin : wide;
                Tensor output = subject.Take(DType.F32, (int)left.Cols, (int)right.Cols);
                Tensor expected = subject.Copy(output);
                subject.Thin.AddGradient(thin, wide, turned, overwrites, output);
                subject.Thin.Differentiate();
                Product product = overwrites ? Product.To(expected) : Product.AddTo(expected);
                subject.Gemm.Multiply(product.Plus(Operand.Columns(left), Operand.Columns(right), rows));
                Assert.That(
                    subject.Bytes(output), Is.EqualTo(subject.Bytes(expected)),
                    $"{rows} x {cols + 1}, rank {rank}, turned {turned}, overwrites {overwrites}");
            }
    }

    [TestCaseSource(nameof(Cases))]
    public void Transposed_OfInfinitiesInTheLastOfOddRows_HasTheBitsOfTheGeneralProduct(
        string level, DType type, int threads)
    {
        const int Rows = 37, Cols = 131, Rank = 33;
        using Subject subject = new(level, threads);
        Tensor thin = subject.Take(type, Rows, Rank), wide = subject.Take(type, Rows, Cols);
        subject.EndWithInfinities(wide, Cols);
        Tensor output = subject.Take(DType.F32, Rank, Cols), expected = subject.Copy(output);
        subject.Thin.AddGradient(thin, wide, turned: false, overwrites: true, output);
        subject.Thin.Differentiate();
        subject.Gemm.Multiply(Product.To(expected).Plus(Operand.Columns(thin), Operand.Columns(wide), Rows));
        Assert.That(subject.Bytes(output), Is.EqualTo(subject.Bytes(expected)));
        Assert.That(MemoryMarshal.Cast<byte, float>(subject.Bytes(output)).ToArray(), Has.All.Matches<float>(
            float.IsInfinity));
    }

    [Test]
    public void SumsOverNothing_AreWritten()
    {
        using Subject subject = new(null, 2);
        Tensor thin = subject.Take(DType.F32, 0, 3), wide = subject.Take(DType.F32, 0, 40);
        Tensor output = subject.Take(DType.F32, 3, 40);
        subject.Thin.AddGradient(thin, wide, turned: false, overwrites: true, output);
        subject.Thin.Differentiate();
        Assert.That(subject.Bytes(output), Has.All.Zero);
    }

    [Test]
    public void TypesThatDiffer_AreNotServed()
    {
        using Subject subject = new(null, 1);
        Assert.That(subject.Thin.Serves(DType.F32, DType.F32), Is.True);
        Assert.That(subject.Thin.Serves(DType.BF16, DType.F32), Is.False);
        using Subject older = new("avx2", 1);
        Assert.That(older.Thin.Serves(DType.F32, DType.F32), Is.False);
    }

    /// <summary>Both kinds of products on workers of their own, and random operands.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly CpuBackend _memory = new(threads: 1);
        private readonly WorkerPool _pool;
        private readonly RandomTensors _tensors;

        public Subject(string? level, int threads)
        {
            _pool = new WorkerPool(threads);
            _tensors = new RandomTensors(_memory, seed: 23);
            Gemm = new Gemm(_pool, SimdLevels.Resolve(level));
            Thin = new ThinProducts(_pool, SimdLevels.Resolve(level));
        }

        public Gemm Gemm { get; }

        public ThinProducts Thin { get; }

        public Tensor Take(DType type, int rows, int cols) => _tensors.Take(type, rows, cols);

        public Tensor Copy(Tensor tensor)
        {
            Tensor copy = Take(tensor.Type, (int)tensor.Rows, (int)tensor.Cols);
            _memory.Upload(Bytes(tensor), copy);
            return copy;
        }

        public byte[] Bytes(Tensor tensor) => _tensors.Bytes(tensor);

        /// <summary>Makes the last elements infinite; F32's bits begin with those of BF16.</summary>
        public void EndWithInfinities(Tensor tensor, int count)
        {
            byte[] bytes = Bytes(tensor);
            int size = tensor.Type.Size();
            Array.Clear(bytes, bytes.Length - count * size, count * size);
            for (int end = bytes.Length; count > 0; end -= size, count--)
                BitConverter.TryWriteBytes(bytes.AsSpan(end - sizeof(ushort)), Bf16.FromSingle(float.PositiveInfinity));
            _memory.Upload(bytes, tensor);
        }

        /// <summary>target = Scale · sums, rounded.</summary>
        public void Scale(Tensor sums, Tensor target)
        {
            byte[] from = Bytes(sums), to = new byte[target.Bytes];
            for (int index = 0; index < target.Length; index++)
            {
                float value = BitConverter.ToSingle(from, sizeof(float) * index) * ThinProductsTests.Scale;
                if (target.Type == DType.F32)
                    BitConverter.TryWriteBytes(to.AsSpan(sizeof(float) * index), value);
                else
                    BitConverter.TryWriteBytes(to.AsSpan(sizeof(ushort) * index), Bf16.FromSingle(value));
            }

            _memory.Upload(to, target);
        }

        public void Dispose()
        {
            Thin.Dispose();
            Gemm.Dispose();
            _tensors.Dispose();
            _pool.Dispose();
            _memory.Dispose();
        }
    }
}
