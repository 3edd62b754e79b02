using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>A named tensor of a model, and its gradient where it is trained.</summary>
public sealed class Parameter
{
    internal Parameter(string name, Tensor value)
    {
        Name = name;
        Value = value;
    }

    /// <summary>As published checkpoints call it: <c>model.layers.3.mlp.up_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>What the model computes with.</summary>
    public Tensor Value { get; }

    /// <summary>None while the parameter is not trained; kernels skip what is none.</summary>
    public Tensor Gradient { get; internal set; }

    public bool IsTrained => !Gradient.IsNone;

    /// <summary>Weight decay concerns matrices: not norm weights, not biases.</summary>
    public bool Decays => Value.Shape.Rank >= 2;

    public override string ToString() => $"{Name} {Value}";
}
