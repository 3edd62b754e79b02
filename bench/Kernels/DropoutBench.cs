using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class DropoutBench : OpBench<RowShape>
{
    private static readonly DropoutKey Key = new(Seed: 1, Update: 2, Layer: 3);
    private Tensor _x, _rowKeys, _y;

    public IEnumerable<RowShape> Shapes => RowShape.Widths;

    /// <summary>Forward reads one and writes one; backward reads two and writes one.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes((method == nameof(Forward) ? 2 : 3) * Shape.Elements * Type.Size());

    [Benchmark]
    public void Forward() => Backend.Dropout(_x, _rowKeys, 0.1f, Key, _y);

    [Benchmark]
    public void Backward() => Backend.DropoutBackward(_x, _rowKeys, 0.1f, Key, _y);

    protected override void Prepare()
    {
        _x = Drawn(Shape.Rows, Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _rowKeys = Take(DType.I64, [Shape.Rows]);
        long[] keys = [.. Enumerable.Range(0, Shape.Rows).Select(row => (long)row)];
        Backend.Upload(MemoryMarshal.AsBytes<long>(keys), _rowKeys);
    }
}
