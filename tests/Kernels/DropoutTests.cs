using FastCpt.Kernels;
using FastCpt.Kernels.Platform;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class DropoutTests
{
    private static readonly DropoutKey Key = new(Seed: 0x1234_5678_9ABC_DEF0, Update: 5_000_000_000, Layer: 3);

    internal static OpCase Forward(Scene s, int rows, int cols)
    {
        Tensor x = s.Activation(rows, cols), y = s.NewActivation(rows, cols), keys = s.Device.Put(RowKeys(rows));
        return new OpCase(
            () => s.Backend.Dropout(x, keys, 0.3f, Key, y),
            Output.Each("y", y, (i, _) => 2 * Units.Single * Math.Abs(s.Drawn(x)[i]) * Kept(i, cols)));
    }

    internal static OpCase Backward(Scene s, int rows, int cols)
    {
        Tensor dy = s.Activation(rows, cols), dx = s.Activation(rows, cols), keys = s.Device.Put(RowKeys(rows));
        double[] d = s.Drawn(dy), old = s.Drawn(dx);
        return new OpCase(
            () => s.Backend.DropoutBackward(dy, keys, 0.3f, Key, dx),
            Output.Each(
                "dx", dx,
                (i, _) => Units.Single * (Math.Abs(old[i]) + 3 * Math.Abs(d[i])) * Kept(i, cols)));
    }

    /// <summary>1/(1 − rate) where an element is kept, else 0: what is dropped must be exact.</summary>
    private static double Kept(int i, int cols) =>
        new DropoutMask(Key, 0.3f).Keeps(RowKey(i / cols), i % cols) ? 1 / 0.7 : 0;

    private static long RowKey(int row) => (row * 7919L << 20) + row;

    private static long[] RowKeys(int rows) => [.. Enumerable.Range(0, rows).Select(RowKey)];

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Dropout_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Forward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void DropoutBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Backward(s, rows, cols));
    }

    [Test]
    public void Dropout_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Tensor x = check.Scene.Activation(6, 11), y = check.Scene.NewActivation(6, 11);
        Tensor keys = check.Scene.Device.Put(RowKeys(6));
        check.Check(
            [x], [y], () => check.Backend.Dropout(x, keys, 0.3f, Key, y),
            (dy, dx) => check.Backend.DropoutBackward(dy[0], keys, 0.3f, Key, dx[0]));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Dropout_MayOverwriteItsOperand(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Tensor keys = device.Put(RowKeys(33));
        Aliasing.Check(backend, types, [(33, 17)], (inputs, y) => backend.Dropout(inputs[0], keys, 0.3f, Key, y));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Dropout_MaskFollowsTheRowKeyNotThePlace(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        double[] there = Dropped(device, [11, 12, 13], 40), moved = Dropped(device, [99, 13, 11], 40);
        Assert.That(moved[40..80], Is.EqualTo(there[80..120]));
        Assert.That(moved[80..120], Is.EqualTo(there[0..40]));
        Assert.That(moved[0..40], Is.Not.EqualTo(there[0..40]));
        Assert.That(Dropped(device, [11], 19), Is.EqualTo(there[0..19]), "a narrower row has the same mask");
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Dropout_KeepsTheShareItSaysAndTheMean(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        double[] kept = Dropped(device, RowKeys(200), 500);
        // 100,000 draws at 0.3: a standard deviation of 0.0015, and six of them.
        Assert.That(kept.Count(value => value == 0) / 100_000.0, Is.EqualTo(0.3).Within(0.009));
        Assert.That(kept.Where(value => value != 0), Is.All.EqualTo(1 / 0.7).Within(1e-6));
    }

    [Test]
    public void DropoutMask_FollowsTheDocumentedCounters()
    {
        var (stream0, stream1) = Philox.Key(Key.Seed, RandomStream.Dropout);
        var (key0, key1, _, _) = Philox.Block(
            stream0, stream1, unchecked((uint)5_000_000_000), 1, 3, 0); // 5e9 = 1 · 2³² + 705,032,704
        var numbers = Philox.Block(key0, key1, 5, 0, 0x89ABCDEF, 0x01234567); // columns 20 to 23
        uint[] lanes = [numbers.X0, numbers.X1, numbers.X2, numbers.X3];
        DropoutMask mask = new(Key, 0.5f);
        for (int lane = 0; lane < 4; lane++)
            Assert.That(mask.Keeps(0x0123456789ABCDEF, 20 + lane), Is.EqualTo(lanes[lane] >= 0x80000000));
        Assert.That(
            mask.Numbers(0x0123456789ABCDEF, 5, head: 7),
            Is.EqualTo(Philox.Block(key0, key1, 5, 7, 0x89ABCDEF, 0x01234567)));
    }

    [Test]
    public void DropoutMask_DependsOnEveryPartOfItsKey()
    {
        DropoutKey[] keys =
            [Key, Key with { Seed = Key.Seed + 1 }, Key with { Update = Key.Update + 1 }, Key with { Layer = 4 }];
        string[] masks = [.. keys.Select(key => string.Concat(
            Enumerable.Range(0, 64).Select(col => new DropoutMask(key, 0.5f).Keeps(1, col) ? '1' : '0')))];
        Assert.That(masks, Is.Unique);
    }

    [Test]
    public void Dropout_AtRateZeroKeepsAll()
    {
        Assert.That(new DropoutMask(Key, 0).Threshold, Is.Zero);
        Assert.That(new DropoutMask(Key, 0).KeptScale, Is.EqualTo(1));
    }

    [Test]
    public void Dropout_OfWrongShapesOrRatesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(2, 3)), longer = device.Empty(DType.F32, new Shape(2, 4));
        Tensor keys = device.Put([1L, 2L]), few = device.Put([1L]), narrow = device.Put([1, 2], new Shape(2));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.Dropout(x, keys, 0.1f, Key, longer));
        Assert.Throws<ArgumentException>(() => backend.Dropout(x, few, 0.1f, Key, x));
        Assert.Throws<ArgumentException>(() => backend.Dropout(x, narrow, 0.1f, Key, x));
        Assert.Throws<ArgumentException>(() => backend.Dropout(x, keys, 1f, Key, x));
        Assert.Throws<ArgumentException>(() => backend.Dropout(x, keys, -0.1f, Key, x));
        Assert.Throws<ArgumentException>(() => backend.Dropout(x, keys, float.NaN, Key, x));
        Assert.Throws<ArgumentException>(() => backend.DropoutBackward(x, few, 0.1f, Key, x));
    }

    private static double[] Dropped(Device device, long[] rowKeys, int cols)
    {
        double[] ones = new double[rowKeys.Length * cols];
        Array.Fill(ones, 1);
        Shape shape = new(rowKeys.Length, cols);
        Tensor x = device.Put(ones, DType.F32, shape), y = device.Empty(DType.F32, shape);
        device.Backend.Dropout(x, device.Put(rowKeys), 0.3f, Key, y);
        return device.Read(y);
    }
}
