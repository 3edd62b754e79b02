using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine;

/// <summary>The ops that the tape knows how to push gradients back through.</summary>
internal enum TapeOp : byte
{
    Embedding,
    Linear,
    LinearResidual,
    GatedMlp,
    Gated,
    RmsNorm,
    LayerNorm,
    Gelu,
    Dropout,
    Rope,
    Attention,
    Add,
    Copy,
    Rows,
    AddRows,
    Permute,
    Block,
}

/// <summary>One op that ran: what its backward pass reads. Which fields are set depends on the op.</summary>
internal struct TapeRecord
{
    public TapeOp Op;

    /// <summary>What was marked when the op ran.</summary>
    public string Part;

    /// <summary>The arena before the op: all that was taken since is dead once the op is pushed back.</summary>
    public Arena.Mark Mark;

    public Activation X, Y, Z, Output;
    public Tensor Saved0, Saved1;
    public Linear? Linear0, Linear1, Linear2;

    /// <summary>scale · x Aᵀ of the adapters of these.</summary>
    public Tensor Projected0, Projected1, Projected2;

    public Parameter? Weight, Bias;
    public Segments Segments;
    public AttentionShape Shape;
    public Gate Gate;
    public float Scalar;

    /// <summary>First row of a table, or of an activation, that is read.</summary>
    public int First;

    /// <summary>The number of a dropout; an id that takes no gradient.</summary>
    public int Number;
    public IBlock? Block;
}
