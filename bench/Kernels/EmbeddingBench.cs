using BenchmarkDotNet.Attributes;
using FastCpt.Kernels;

namespace FastCpt.Bench.Kernels;

public class EmbeddingBench : OpBench<EmbeddingBench.TableShape>
{
    private Tensor _ids, _table, _y, _dTable;

    /// <summary>Tokens, width and vocabulary.</summary>
    public readonly record struct TableShape(string Name, int Rows, int Cols, int Vocabulary)
    {
        public override string ToString() => $"{Name}, {Rows} of {Vocabulary} x {Cols}";
    }

    public IEnumerable<TableShape> Shapes =>
    [
        new("Llama-15M", 2048, 288, 32_000), new("Llama-110M", 2048, 768, 32_000),
        new("XLM-R-base", 2048, 768, 250_002), new("Gemma3-270M", 1024, 640, 262_144),
        new("Gemma3-1B", 1024, 1152, 262_144), new("Gemma3-4B", 1024, 2560, 262_208),
    ];

    /// <summary>Forward reads and writes rows; backward reads them, and reads and writes float32 rows of the
    /// table.</summary>
    public override Work WorkOf(string method) => Work.Bytes(
        (double)Shape.Rows * Shape.Cols * (method == nameof(Forward) ? 2 * Type.Size() : 8 + Type.Size()));

    [Benchmark]
    public void Forward() => Backend.Embedding(_ids, _table, 1, _y);

    [Benchmark]
    public void Backward() => Backend.EmbeddingBackward(_ids, _y, 1, -1, _dTable);

    protected override void Prepare()
    {
        _ids = Integers(Shape.Rows, Shape.Vocabulary);
        _table = Ones(Type, Shape.Vocabulary, Shape.Cols);
        _y = Drawn(Shape.Rows, Shape.Cols);
        _dTable = Ones(DType.F32, Shape.Vocabulary, Shape.Cols);
    }
}
