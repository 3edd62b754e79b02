using System.Runtime.InteropServices;
using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>Products are held, bit for bit, to a scalar loop that adds one chain per element.</summary>
public sealed unsafe class GemmTests
{
    private static readonly string[] Levels =
        [.. Enum.GetValues<SimdLevel>().Where(level => level <= SimdLevels.Best).Select(SimdLevels.NameOf)];

    // Below, at and above a tile, three tiles each way, three blocks of the reduction, odd reductions; last, rows of a
    // whole number of cache lines, of which 14 fit the cache side by side and, at 4 KiB, do not.
    private static readonly (int Rows, int Cols, int Reduction)[] Shapes =
    [
        (1, 1, 1), (1, 40, 3), (2, 17, 5), (5, 16, 2), (6, 15, 7), (7, 33, 16), (14, 32, 31), (15, 31, 33),
        (29, 65, 63), (43, 97, 130), (113, 70, 20), (300, 100, 37), (3, 100, 1201), (130, 33, 1601),
        (31, 33, 768), (31, 33, 1024), (31, 33, 2048),
    ];

    public static IEnumerable<object[]> Cases() =>
        from level in Levels
        from forms in new[] { "NT", "NN", "TN", "TT" }
        from types in new[] { "fff", "bff", "bbf", "bbb", "fbb" } // left, right, output
        select new object[] { level, forms, types };

    [TestCaseSource(nameof(Cases))]
    public void Product_IsOneChainPerElement(string level, string forms, string types)
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Resolve(level));
        foreach ((int rows, int cols, int reduction) in Shapes)
        {
            using Case test = new(rows, cols, forms, types, reduction);
            gemm.Multiply(test.Product());
            test.AssertChains(gemm.HasPairs, $"{rows} x {cols} over {reduction}");
        }
    }

    [TestCaseSource(nameof(Levels))]
    public void Product_BeginsWithResidualAndBias(string level)
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Resolve(level));
        foreach (string types in new[] { "fff", "bbb" })
            foreach ((bool residual, bool bias) in new[] { (true, false), (false, true), (true, true) })
                foreach ((int rows, int cols, int reduction) in Shapes)
                {
                    using Case test = new(rows, cols, "NT", types, reduction, residual, bias);
                    gemm.Multiply(test.Product());
                    test.AssertChains(gemm.HasPairs, $"{types} {rows} x {cols} over {reduction}, {residual} {bias}");
                }
    }

    /// <summary>One block of the reduction and several, a few rows and blocks of shared ones.</summary>
    [TestCaseSource(nameof(Levels))]
    public void Product_AddsToItsOutput(string level)
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Resolve(level));
        foreach (string types in new[] { "fff", "bbb" })
            foreach ((int rows, int cols, int reduction) in new[] { (20, 70, 60), (130, 33, 1601), (400, 70, 3200) })
            {
                using Case test = new(rows, cols, "NN", types, reduction, residual: true);
                gemm.Multiply(test.Product(inPlace: true));
                test.AssertChains(gemm.HasPairs, $"{types} {rows} x {cols} over {reduction}", everyCol: 3);
            }
    }

    [TestCaseSource(nameof(Levels))]
    public void SecondTerm_ContinuesTheChain(string level)
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Resolve(level));
        foreach (string types in new[] { "fff", "bbb" })
            foreach ((int rows, int cols, int reduction) in Shapes)
            {
                using Case test = new(rows, cols, "NT", types, reduction, secondReduction: 9);
                gemm.Multiply(test.Product());
                test.AssertChains(gemm.HasPairs, $"{types} {rows} x {cols} over {reduction} and 9");
            }
    }

    [TestCaseSource(nameof(Levels))]
    public void Links_AreChainsOfTheirOwn(string level)
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Resolve(level));
        foreach (string types in new[] { "fff", "bbf", "bbb" })
            foreach (bool residual in new[] { false, true })
                foreach ((int rows, int cols, int reduction) in new[] { (3, 5, 20), (40, 70, 600), (150, 33, 1601) })
                {
                    using Case test = new(rows, cols, "NN", types, reduction, residual, inLinks: true);
                    gemm.Multiply(test.Product());
                    test.AssertChains(gemm.HasPairs, $"{types} {rows} x {cols} over {reduction}, {residual}");
                }
    }

    [TestCaseSource(nameof(Levels))]
    public void Bits_DoNotDependOnThreads_OrOnWhoCalls(string level)
    {
        foreach ((int rows, int cols, int reduction) in new[] { (200, 130, 900), (50, 260, 900) })
        {
            using Case test = new(rows, cols, "NT", "bbb", reduction);
            for (int workers = 1; workers <= 8; workers++)
            {
                using WorkerPool pool = new(workers);
                using Gemm gemm = new(pool, SimdLevels.Resolve(level));
                gemm.Multiply(test.Product());
                test.AssertChains(gemm.HasPairs, $"{workers} workers");
                test.ClearOutput();
                gemm.MultiplyAlone(test.Product(), workers - 1);
                test.AssertChains(gemm.HasPairs, $"alone as worker {workers - 1}");
            }
        }
    }

    [Test]
    public void WideProduct_IsPackedInSeveralChunks()
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Best);
        using Case test = new(120, 2100, "NN", "fff", 4500); // 9.4 M values: chunks of at most 2 M
        gemm.Multiply(test.Product());
        test.AssertChains(gemm.HasPairs, "wide", everyCol: 37);
    }

    [Test]
    public void EmptyReduction_WritesTheStart()
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Best);
        using Case test = new(20, 40, "NT", "fff", 0, residual: true);
        gemm.Multiply(test.Product());
        test.AssertChains(gemm.HasPairs, "over nothing");
    }

    [Test]
    public void SteadyState_AllocatesNothing()
    {
        using WorkerPool pool = new(2);
        using Gemm gemm = new(pool, SimdLevels.Best);
        using Case few = new(20, 100, "NT", "bbb", 300), many = new(200, 100, "TN", "fff", 300);
        gemm.Multiply(few.Product());
        gemm.Multiply(many.Product());
        long[] before = new long[2], after = new long[2];
        pool.Run(new AllocatedJob(before));
        for (int call = 0; call < 10; call++)
        {
            gemm.Multiply(few.Product());
            gemm.Multiply(many.Product());
        }

        pool.Run(new AllocatedJob(after));
        Assert.That(after, Is.EqualTo(before));
    }

    /// <summary>Reads what each worker has allocated so far.</summary>
    private readonly struct AllocatedJob(long[] bytes) : IJob
    {
        public void Run(int worker, int workers) => bytes[worker] = GC.GetAllocatedBytesForCurrentThread();
    }

    /// <summary>Operands of a product with random values, and the sums that are right.</summary>
    private sealed class Case : IDisposable
    {
        private readonly int _rows, _cols;
        private readonly DType _outputType;
        private readonly Matrix _left, _right, _secondLeft, _secondRight, _residual, _bias, _output;
        private readonly int _reduction, _secondReduction;
        private readonly bool _hasResidual, _hasBias, _inLinks;

        public Case(
            int rows, int cols, string forms, string types, int reduction, bool residual = false, bool bias = false,
            int secondReduction = 0, bool inLinks = false)
        {
            Random random = new(rows * 7919 + cols * 31 + reduction);
            DType TypeOf(int index) => types[index] == 'b' ? DType.BF16 : DType.F32;
            (_rows, _cols, _reduction, _secondReduction) = (rows, cols, reduction, secondReduction);
            (_hasResidual, _hasBias, _outputType) = (residual, bias, TypeOf(2));
            _inLinks = inLinks;
            _left = new Matrix(rows, reduction, TypeOf(0), forms[0] == 'N', random);
            _right = new Matrix(cols, reduction, TypeOf(1), forms[1] == 'T', random);
            _secondLeft = new Matrix(rows, secondReduction, TypeOf(0), true, random);
            _secondRight = new Matrix(cols, secondReduction, TypeOf(1), true, random);
            _residual = new Matrix(rows, cols, _outputType, true, random);
            _bias = new Matrix(1, cols, DType.F32, true, random);
            _output = new Matrix(rows, cols, _outputType, true, random);
        }

        /// <param name="inPlace">Whether the residual is a copy of itself that lies in the output.</param>
        public Product Product(bool inPlace = false)
        {
            if (inPlace)
                _output.Set(_residual);
            Product product = new()
            {
                Rows = _rows,
                Cols = _cols,
                Residual = inPlace ? _output.Start : _hasResidual ? _residual.Start : null,
                ResidualStride = _cols,
                Bias = _hasBias ? (float*)_bias.Start : null,
                Output = _output.Start,
                OutputType = _outputType,
                OutputStride = _cols,
            };
            return product
                .Plus(_left.Operand, _right.Operand, _reduction, _inLinks)
                .Plus(_secondLeft.Operand, _secondRight.Operand, _secondReduction);
        }

        public void ClearOutput() => _output.Clear();

        public void AssertChains(bool hasPairs, string what, int everyCol = 1)
        {
            for (int row = 0; row < _rows; row++)
                for (int col = 0; col < _cols; col += everyCol)
                {
                    float sum = (_hasResidual ? _residual[row, col] : 0) + (_hasBias ? _bias[0, col] : 0);
                    sum = _inLinks
                        ? Links(sum, row, col, hasPairs)
                        : Chain(sum, _left, _right, row, col, 0, _reduction, hasPairs);
                    sum = Chain(sum, _secondLeft, _secondRight, row, col, 0, _secondReduction, hasPairs);
                    float expected = _outputType == DType.BF16 ? Bf16.ToSingle(Bf16.FromSingle(sum)) : sum;
                    if (_output[row, col] != expected)
                        Assert.Fail($"{what}: [{row}, {col}] is {_output[row, col]:R}, not {expected:R}.");
                }

            Assert.That(_output.IsIntact, $"{what}: written past the end");
        }

        public void Dispose()
        {
            foreach (Matrix matrix in new[] { _left, _right, _secondLeft, _secondRight, _residual, _bias, _output })
                matrix.Dispose();
        }

        private float Links(float sum, int row, int col, bool hasPairs)
        {
            int link = Term.LinkSteps * (hasPairs && _left.Type == DType.BF16 && _right.Type == DType.BF16 ? 2 : 1);
            for (int start = 0; start < _reduction; start += link)
                sum += Chain(0, _left, _right, row, col, start, Math.Min(start + link, _reduction), hasPairs);
            return sum;
        }

        private static float Chain(
            float sum, Matrix left, Matrix right, int row, int col, int start, int end, bool hasPairs)
        {
            bool pairs = hasPairs && left.Type == DType.BF16 && right.Type == DType.BF16;
            for (int place = start; place < end; place++)
            {
                int at = !pairs ? place : place + 1 == end && place % 2 == 0 ? place : place ^ 1;
                sum = MathF.FusedMultiplyAdd(left[row, at], right[col, at], sum);
            }

            return sum;
        }
    }

    /// <summary>Lines by places, stored along or across, with a guard behind.</summary>
    private sealed class Matrix : IDisposable
    {
        private const int Guard = 64;
        private const byte GuardByte = 0xA5;

        private readonly byte* _memory;
        private readonly long _bytes;
        private readonly int _lines, _places;
        private readonly bool _along;

        public Matrix(int lines, int places, DType type, bool along, Random random)
        {
            (_lines, _places, Type, _along) = (lines, places, type, along);
            _bytes = (long)lines * places * type.Size();
            _memory = (byte*)NativeMemory.Alloc((nuint)_bytes + Guard);
            new Span<byte>(_memory + _bytes, Guard).Fill(GuardByte);
            for (long index = 0; index < (long)lines * places; index++)
                Write(index, (float)(random.NextDouble() * 2 - 1));
        }

        public DType Type { get; }

        public void* Start => _memory;

        public Operand Operand => new(_memory, Type, _along ? _places : _lines, _along);

        public bool IsIntact => !new ReadOnlySpan<byte>(_memory + _bytes, Guard).ContainsAnyExcept(GuardByte);

        public float this[int line, int place]
        {
            get
            {
                long index = _along ? (long)line * _places + place : (long)place * _lines + line;
                return Type == DType.BF16 ? Bf16.ToSingle(((ushort*)_memory)[index]) : ((float*)_memory)[index];
            }
        }

        /// <param name="other">Of the same size and type.</param>
        public void Set(Matrix other) =>
            new ReadOnlySpan<byte>(other._memory, (int)_bytes).CopyTo(new Span<byte>(_memory, (int)_bytes));

        public void Clear() => new Span<byte>(_memory, (int)_bytes).Clear();

        public void Dispose() => NativeMemory.Free(_memory);

        private void Write(long index, float value)
        {
            if (Type == DType.BF16)
                ((ushort*)_memory)[index] = Bf16.FromSingle(value);
            else
                ((float*)_memory)[index] = value;
        }
    }
}
