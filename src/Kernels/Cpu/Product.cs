using System.Runtime.CompilerServices;

namespace FastCpt.Kernels.Cpu;

/// <summary>
/// A matrix in memory as one side of a product: lines (rows of the output, or its columns) by reduction.
/// </summary>
/// <param name="start">First element.</param>
/// <param name="type">F32 or BF16.</param>
/// <param name="stride">Elements from one row in memory to the next.</param>
/// <param name="along">Whether a row in memory is a line, its elements along the reduction; else it holds all lines
/// at one place of the reduction.</param>
/// <param name="packed">All of it as <see cref="Gemm.Pack"/> leaves it, as the right side of a product whose left side
/// has the same type; or null.</param>
internal readonly unsafe struct Operand(void* start, DType type, long stride, bool along, float* packed = null)
{
    public byte* Start => (byte*)start;

    public DType Type => type;

    public long Stride => stride;

    public bool Along => along;

    public float* Packed => packed;

    /// <summary>A tensor whose rows are lines: x and W in x Wᵀ.</summary>
    public static Operand Lines(Tensor tensor) => new((void*)tensor.Address, tensor.Type, tensor.Cols, true);

    /// <summary>A tensor whose columns are lines: W in dy W, both sides of dyᵀ x.</summary>
    public static Operand Columns(Tensor tensor) => new((void*)tensor.Address, tensor.Type, tensor.Cols, false);

    /// <param name="copy">The same operand packed, or none.</param>
    public Operand WithPacked(Tensor copy) => new(start, type, stride, along, (float*)copy.Address);
}

/// <summary>One summand of a product: left · right over a reduction.</summary>
/// <param name="inLinks">Whether the chain is cut into links of <see cref="LinkSteps"/>, each a sum of its own that
/// is added to the output: rounding errors of a very long sum then stay small.</param>
internal readonly struct Term(Operand left, Operand right, long reduction, bool inLinks = false)
{
    /// <summary>Steps of a link: places, or pairs of them.</summary>
    public const int LinkSteps = 256;

    /// <summary>Summands of groups of rows instead of one of all; left, right and reduction then say nothing.</summary>
    public RowTerms? Rows { get; init; }

    public bool InLinks => inLinks;

    public Operand Left => left;

    public Operand Right => right;

    public long Reduction => reduction;

    /// <summary>Whether it can be summed in pairs of BF16: nothing but BF16 comes in.</summary>
    public bool IsBrain => left.Type == DType.BF16 && right.Type == DType.BF16;
}

/// <summary>output [rows, cols] = residual + bias + the terms.</summary>
internal unsafe struct Product
{
    /// <summary>Most terms of a product.</summary>
    public const int MostTerms = 4;

    private Terms _terms;

    public long Rows, Cols;

    /// <summary>Same type as the output, [rows, cols]; may be the output, to add to it; null for none.</summary>
    public void* Residual;

    /// <summary>Elements from row to row.</summary>
    public long ResidualStride;

    /// <summary>[cols], or null.</summary>
    public float* Bias;

    public void* Output;

    /// <summary>F32 or BF16.</summary>
    public DType OutputType;

    /// <summary>Elements from row to row.</summary>
    public long OutputStride;

    public int TermCount { get; private set; }

    /// <summary>Overwrites a tensor.</summary>
    public static Product To(Tensor output) => new()
    {
        Rows = output.Rows,
        Cols = output.Cols,
        Output = (void*)output.Address,
        OutputType = output.Type,
        OutputStride = output.Cols,
    };

    /// <summary>Adds to a tensor.</summary>
    public static Product AddTo(Tensor output)
    {
        Product product = To(output);
        product.Residual = product.Output;
        product.ResidualStride = product.OutputStride;
        return product;
    }

    public readonly Term Term(int index) => _terms[index];

    /// <summary>The product with one more term, which goes on where the chain of those before it ends.</summary>
    public readonly Product Plus(Operand left, Operand right, long reduction, bool inLinks = false)
    {
        Product more = this;
        more._terms[more.TermCount++] = new Term(left, right, reduction, inLinks);
        return more;
    }

    /// <summary>The product with one more term of some rows each; not the first.</summary>
    public readonly Product Plus(RowTerms rows)
    {
        Product more = this;
        more._terms[more.TermCount++] = new Term(default, default, 0) { Rows = rows };
        return more;
    }

    [InlineArray(MostTerms)]
    private struct Terms
    {
        private Term _first;
    }
}
