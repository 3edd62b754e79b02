using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

/// <summary>Queries of one layer, in place; the backward pass is the same rotation back.</summary>
public class RopeBench : OpBench<RopeBench.HeadShape>
{
    private Tensor _positions, _table, _x;

    /// <summary>Rows, heads and positions of a layer's queries.</summary>
    public readonly record struct HeadShape(string Name, int Rows, int Heads, int HeadSize, int Positions)
    {
        public override string ToString() => $"{Name}, {Rows} x {Heads} x {HeadSize}";
    }

    public IEnumerable<HeadShape> Shapes =>
    [
        new("Llama-15M", 2048, 6, 48, 256), new("Llama-110M", 2048, 12, 64, 512),
        new("Gemma3-270M and 1B", 1024, 4, 256, 1024), new("Gemma3-4B", 1024, 8, 256, 1024),
    ];

    /// <summary>Read and written in place.</summary>
    public override Work WorkOf(string method) =>
        Work.Bytes(2.0 * Shape.Rows * Shape.Heads * Shape.HeadSize * Type.Size());

    [Benchmark]
    public void Forward() => Backend.Rope(_positions, _table, false, _x);

    protected override void Prepare()
    {
        _positions = Put([.. Enumerable.Range(0, Shape.Rows).Select(row => row % Shape.Positions)], Shape.Rows);
        // cos 1 and sin 0 in place of angles, so that repeated rotation leaves the numbers as they are.
        float[] table = new float[Shape.Positions * Shape.HeadSize];
        for (int i = 0; i < table.Length; i++)
            table[i] = i % Shape.HeadSize < Shape.HeadSize / 2 ? 1 : 0;
        _table = Take(DType.F32, [Shape.Positions, Shape.HeadSize]);
        Backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(table), _table);
        _x = Drawn(Shape.Rows, (long)Shape.Heads * Shape.HeadSize);
    }
}
