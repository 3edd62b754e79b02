using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>What the bits of attention do not depend on: blocks, later rows, other segments, place, workers.</summary>
/// <remarks>Lengths span two and three blocks of 128 keys, with ragged ends.</remarks>
public sealed class AttentionBitsTests
{
    private const int Heads = 4, KeyHeads = 2;

    private static readonly AttentionMask[] Masks =
        [AttentionMask.Causal, AttentionMask.Window, AttentionMask.Bidirectional];

    private static readonly DType[] Elements = [DType.F32, DType.BF16];

    [Test]
    public void Rows_HaveTheSameBits_WithoutTheRowsAfterThem(
        [ValueSource(nameof(Elements))] DType type,
        [Values(AttentionMask.Causal, AttentionMask.Window)] AttentionMask mask,
        [Values(16, 48, 80)] int size, [Values(1, 65, 137, 190, 290)] int rows)
    {
        using CpuBackend backend = new(2);
        using Layer all = new(backend, type, mask, size, 300, [0, 300]), some = all.Part(0, rows);
        Assert.That(some.Forward(), Is.EqualTo(all.Forward(0, rows)));
    }

    [Test]
    public void Segment_HasTheSameBits_AloneAndInABatch(
        [ValueSource(nameof(Elements))] DType type, [ValueSource(nameof(Masks))] AttentionMask mask,
        [Values(24, 64)] int size)
    {
        using CpuBackend backend = new(2);
        using Layer batch = new(backend, type, mask, size, 420, [3, 40, 40, 41, 77, 77 + 201, 300, 420]);
        using Layer alone = batch.Part(77, 201);
        Assert.That(alone.Forward(), Is.EqualTo(batch.Forward(77, 201)));
        Assert.That(alone.Backward(), Is.EqualTo(batch.Backward(77, 201)));
    }

    [Test]
    public void Window_AsLongAsTheSegment_HasTheBitsOfCausal([Values(33, 150)] int rows)
    {
        using CpuBackend backend = new(2);
        using Layer window = new(backend, DType.F32, AttentionMask.Window, 32, rows, [0, rows], rows);
        using Layer causal = new(backend, DType.F32, AttentionMask.Causal, 32, rows, [0, rows]);
        Assert.That(window.Forward(), Is.EqualTo(causal.Forward()));
        Assert.That(window.Backward(), Is.EqualTo(causal.Backward()));
    }

    [Test]
    public void Bits_AreTheSame_ForAnyNumberOfWorkers(
        [ValueSource(nameof(Elements))] DType type, [ValueSource(nameof(Masks))] AttentionMask mask,
        [Values(0f, 0.3f)] float rate)
    {
        int[] bounds = [0, 33, 40, 250, 250, 400];
        using CpuBackend one = new(1);
        using Layer expected = new(one, type, mask, 48, 420, bounds, rate: rate);
        byte[] forward = expected.Forward(), backward = expected.Backward();
        foreach (int threads in (ReadOnlySpan<int>)[2, 3, 8])
        {
            using CpuBackend several = new(threads);
            using Layer layer = new(several, type, mask, 48, 420, bounds, rate: rate);
            Assert.That(layer.Forward(), Is.EqualTo(forward), $"{threads} workers");
            Assert.That(layer.Backward(), Is.EqualTo(backward), $"{threads} workers");
        }
    }

    /// <summary>Fewer key heads than workers: all go through each of them together.</summary>
    [Test]
    public void Bits_AreTheSame_WhereWorkersShareAKeyHead(
        [ValueSource(nameof(Elements))] DType type, [ValueSource(nameof(Masks))] AttentionMask mask,
        [Values(0f, 0.3f)] float rate)
    {
        int[] bounds = [3, 260];
        using CpuBackend one = new(1);
        using Layer expected = new(one, type, mask, 40, 270, bounds, rate: rate);
        expected.Forward();
        byte[] backward = expected.Backward();
        foreach (int threads in (ReadOnlySpan<int>)[3, 8, 13])
        {
            using CpuBackend several = new(threads);
            using Layer layer = new(several, type, mask, 40, 270, bounds, rate: rate);
            layer.Forward();
            Assert.That(layer.Backward(), Is.EqualTo(backward), $"{threads} workers");
        }
    }

    [Test]
    public void NaN_OfAKeyAndItsValue_ReachesOnlyRowsThatSeeIt(
        [ValueSource(nameof(Elements))] DType type,
        [Values(AttentionMask.Causal, AttentionMask.Window)] AttentionMask mask,
        [Values(0, 5, 63, 100, 127, 128, 200)] int key)
    {
        const int Rows = 300, Window = 11;
        int end = mask == AttentionMask.Causal ? Rows : key + Window;
        using CpuBackend backend = new(2);
        using Layer clean = new(backend, type, mask, 48, Rows, [0, Rows], Window);
        using Layer spoiled = new(backend, type, mask, 48, Rows, [0, Rows], Window);
        spoiled.SpoilKey(key);
        Assert.That(spoiled.Forward(0, key), Is.EqualTo(clean.Forward(0, key)));
        Assert.That(spoiled.Forward(end, Rows - end), Is.EqualTo(clean.Forward(end, Rows - end)));
        Assert.That(spoiled.Outputs(key, end - key), Is.All.NaN);
        Assert.That(spoiled.QueryGradients(0, key), Is.EqualTo(clean.QueryGradients(0, key)));
        Assert.That(spoiled.QueryGradients(end, Rows - end), Is.EqualTo(clean.QueryGradients(end, Rows - end)));
    }

    [Test]
    public void NaN_OfAQueryAndItsGradient_ReachesOnlyKeysThatItSees(
        [ValueSource(nameof(Elements))] DType type,
        [Values(AttentionMask.Causal, AttentionMask.Window)] AttentionMask mask,
        [Values(0, 5, 63, 100, 127, 128, 200)] int row)
    {
        const int Rows = 300, Window = 11;
        int seen = mask == AttentionMask.Causal ? 0 : Math.Max(0, row - Window + 1), after = row + 1;
        using CpuBackend backend = new(2);
        using Layer clean = new(backend, type, mask, 48, Rows, [0, Rows], Window);
        using Layer spoiled = new(backend, type, mask, 48, Rows, [0, Rows], Window);
        clean.Forward();
        spoiled.Forward();
        spoiled.SpoilQuery(row);
        Assert.That(spoiled.KeyGradients(0, seen), Is.EqualTo(clean.KeyGradients(0, seen)));
        Assert.That(spoiled.KeyGradients(after, Rows - after), Is.EqualTo(clean.KeyGradients(after, Rows - after)));
        Assert.That(spoiled.Gradients(seen, after - seen), Has.Some.NaN);
    }

    /// <summary>Checksums that every instruction set must reach, but that pairs of BF16 have sums of their own: runs
    /// with wide SIMD off compare with them.</summary>
    [TestCase(DType.F32, 0f, 3273372640u, 3273372640u)]
    [TestCase(DType.BF16, 0f, 2597799706u, 27307443u)]
    [TestCase(DType.F32, 0.3f, 1169914329u, 1169914329u)]
    [TestCase(DType.BF16, 0.3f, 330559365u, 715114430u)]
    public void Bits_AreTheSame_OnEveryInstructionSet(DType type, float rate, uint expected, uint inPairs)
    {
        using CpuBackend backend = new(2);
        List<byte> bytes = [];
        foreach (AttentionMask mask in Masks)
        {
            using Layer layer = new(backend, type, mask, 48, 150, [0, 20, 30, 150], rate: rate);
            bytes.AddRange(layer.Forward());
            bytes.AddRange(layer.Backward());
        }

        Assert.That(Checksum.Of(bytes), Is.EqualTo(backend.InstructionSet == "bf16" ? inPairs : expected));
    }

    [Test]
    public void Padding_IsZero_AndLeavesGradientsAlone([ValueSource(nameof(Masks))] AttentionMask mask)
    {
        using CpuBackend backend = new(2);
        using Layer layer = new(backend, DType.F32, mask, 16, 90, [5, 80]);
        layer.Forward();
        Assert.That(layer.Outputs(0, 5), Is.All.Zero);
        Assert.That(layer.Outputs(80, 10), Is.All.Zero);
        Assert.That(layer.Lse(80, 10), Is.All.EqualTo(double.NegativeInfinity));
        layer.Backward();
        Assert.That(layer.Gradients(0, 5), Is.All.EqualTo(Layer.GradientBefore));
        Assert.That(layer.Gradients(80, 10), Is.All.EqualTo(Layer.GradientBefore));
    }

    [Test]
    public void SteadyState_AllocatesNothing()
    {
        using CpuBackend backend = new(1);
        using Layer layer = new(backend, DType.F32, AttentionMask.Causal, 48, 150, [0, 20, 30, 150]);
        layer.RunBoth();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int step = 0; step < 10; step++)
            layer.RunBoth();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    /// <summary>Operands of one layer, drawn from a seed, on one backend.</summary>
    private sealed class Layer : IDisposable
    {
        public const double GradientBefore = 0.5;

        private readonly Device _device;
        private readonly AttentionShape _shape;
        private readonly Segments _segments;
        private readonly Tensor _q, _k, _v, _o, _lse, _dO, _dq, _dk, _dv;

        public Layer(
            Backend backend, DType type, AttentionMask mask, int size, int rows, int[] bounds, int window = 70,
            float rate = 0)
            : this(backend, new AttentionShape(Heads, KeyHeads, size, 0.2f, mask, window), rows, bounds)
        {
            Scene scene = new(_device, new Types(type, type));
            if (rate > 0)
                _shape = _shape with
                {
                    Dropout = new AttentionDropout(
                        rate, AttentionCase.Key, _device.Put([.. Enumerable.Range(0, rows).Select(row => 3L * row)])),
                };
            Random random = new(1);
            _q = Uniform(Heads);
            _k = Uniform(KeyHeads);
            _v = Uniform(KeyHeads);
            _dO = Uniform(Heads);
            (_o, _lse, _dq, _dk, _dv) = Results(scene, rows);

            // Without functions of the platform's library: a checksum compares the results of different machines.
            Tensor Uniform(int heads) => scene.ActivationOf(
                [.. Enumerable.Range(0, rows * heads * size).Select(_ => 4 * random.NextDouble() - 2)],
                rows, heads * size);
        }

        /// <summary>Rows [start, start + count) of another layer, as one segment.</summary>
        private Layer(Layer whole, int start, int count)
            : this(whole._device.Backend, whole._shape, count, [0, count])
        {
            Scene scene = new(_device, new Types(whole._q.Type, whole._q.Type));
            _q = Copy(whole._q);
            _k = Copy(whole._k);
            _v = Copy(whole._v);
            _dO = Copy(whole._dO);
            (_o, _lse, _dq, _dk, _dv) = Results(scene, count);

            Tensor Copy(Tensor tensor) => _device.Put(
                whole._device.Read(tensor.Slice(start, count)), tensor.Type, new Shape(count, tensor.Cols));
        }

        private Layer(Backend backend, AttentionShape shape, int rows, int[] bounds)
        {
            _device = new Device(backend);
            _shape = shape;
            int longest = Enumerable.Range(0, bounds.Length / 2).Max(i => bounds[2 * i + 1] - bounds[2 * i]);
            _segments = new Segments(_device.Put(bounds, new Shape(bounds.Length / 2, 2)), longest);
        }

        public Layer Part(int start, int count) => new(this, start, count);

        /// <summary>Bytes of o and lse of some rows.</summary>
        public byte[] Forward(int start = 0, int count = -1)
        {
            _device.Backend.Attention(_q, _k, _v, _segments, _shape, _o, _lse);
            return Bytes(start, count, _o, _lse);
        }

        /// <summary>Bytes of dq, dk and dv of some rows; the forward pass has been run.</summary>
        public byte[] Backward(int start = 0, int count = -1)
        {
            foreach (Tensor gradient in (ReadOnlySpan<Tensor>)[_dq, _dk, _dv])
                _device.Backend.Fill(GradientBefore, gradient);
            _device.Backend.AttentionBackward(
                _q, _k, _v, _segments, _shape, _o, _lse, _dO, _dq, _dk, _dv);
            return Bytes(start, count, _dq, _dk, _dv);
        }

        /// <summary>Bytes of dq of some rows.</summary>
        public byte[] QueryGradients(int start, int count)
        {
            Backward();
            return Bytes(start, count, _dq);
        }

        /// <summary>Bytes of dk and dv of some rows.</summary>
        public byte[] KeyGradients(int start, int count)
        {
            Backward();
            return Bytes(start, count, _dk, _dv);
        }

        public void SpoilKey(int row) => Spoil(row, _k, _v);

        /// <summary>Also the gradient of its output.</summary>
        public void SpoilQuery(int row) => Spoil(row, _q, _dO);

        public void RunBoth()
        {
            _device.Backend.Attention(_q, _k, _v, _segments, _shape, _o, _lse);
            _device.Backend.AttentionBackward(
                _q, _k, _v, _segments, _shape, _o, _lse, _dO, _dq, _dk, _dv);
        }

        public double[] Outputs(int start, int count) => _device.Read(_o.Slice(start, count));

        public double[] Lse(int start, int count) => _device.Read(_lse.Slice(start, count));

        public double[] Gradients(int start, int count) =>
        [
            .. _device.Read(_dq.Slice(start, count)), .. _device.Read(_dk.Slice(start, count)),
            .. _device.Read(_dv.Slice(start, count)),
        ];

        public void Dispose()
        {
            _device.CheckBorders();
            _device.Dispose();
        }

        private (Tensor O, Tensor Lse, Tensor Dq, Tensor Dk, Tensor Dv) Results(Scene scene, int rows)
        {
            int width = Heads * _shape.HeadSize, keyWidth = KeyHeads * _shape.HeadSize;
            return (
                scene.NewActivation(rows, width), scene.NewStatistic(rows, Heads), scene.NewActivation(rows, width),
                scene.NewActivation(rows, keyWidth), scene.NewActivation(rows, keyWidth));
        }

        private void Spoil(int row, params ReadOnlySpan<Tensor> tensors)
        {
            foreach (Tensor tensor in tensors)
                _device.Write(tensor.Slice(row, 1), [.. Enumerable.Repeat(double.NaN, (int)tensor.Cols)]);
        }

        private byte[] Bytes(int start, int count, params ReadOnlySpan<Tensor> tensors)
        {
            List<byte> bytes = [];
            foreach (Tensor tensor in tensors)
                bytes.AddRange(_device.Bytes(tensor.Slice(start, count < 0 ? tensor.Rows : count)));
            return [.. bytes];
        }
    }
}
