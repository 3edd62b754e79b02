using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>A named tensor of a model, and its gradient where it is trained.</summary>
public sealed class Parameter
{
    private readonly Backend _backend;
    private Tensor _gradient;
    private bool _isCleared;

    internal Parameter(Backend backend, string name, Tensor value)
    {
        _backend = backend;
        Name = name;
        Value = value;
    }

    /// <summary>As published checkpoints call it: <c>model.layers.3.mlp.up_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>What the model computes with.</summary>
    public Tensor Value { get; }

    /// <summary>None while the parameter is not trained; kernels skip what is none.</summary>
    /// <remarks>Clearing is put off until somebody looks, since what comes first may be overwritten.</remarks>
    public Tensor Gradient
    {
        get
        {
            if (_isCleared)
                _backend.Fill(0, _gradient);
            _isCleared = false;
            return _gradient;
        }
        internal set => (_gradient, _isCleared) = (value, false);
    }

    /// <summary>Copies of the value in the order in which products read it; none, or those of
    /// <see cref="PackedWeights"/>.</summary>
    internal PackedWeight Packed { get; set; }

    public bool IsTrained => !_gradient.IsNone;

    /// <summary>Whether the gradient is 0 although its memory may hold anything.</summary>
    internal bool IsCleared => _isCleared;

    /// <summary>Weight decay concerns matrices: not norm weights, not biases.</summary>
    public bool Decays => Value.Shape.Rank >= 2;

    /// <summary>Makes the gradient 0.</summary>
    internal void ClearGradient() => _isCleared = IsTrained;

    /// <summary>The gradient's memory for an op that overwrites it; none while the parameter is not trained.</summary>
    internal Tensor GradientToOverwrite()
    {
        _isCleared = false;
        return _gradient;
    }

    public override string ToString() => $"{Name} {Value}";
}
