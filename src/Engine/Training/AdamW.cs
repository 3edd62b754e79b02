using System.Runtime.InteropServices;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>The constants of <see cref="AdamW"/>.</summary>
public sealed record AdamWSettings(
    float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0.01f, float MaxNorm = 1f);

/// <summary>AdamW over the trained parameters, with clipping by global norm and a pull toward an anchor.</summary>
/// <remarks>
/// Two passes over memory: the norm of g + strength · (θ − θ₀), then the update, which forms the same sum again. Master
/// weights are F32 beside BF16 values, unless told otherwise; what is not trained has no state at all.
/// </remarks>
public sealed class AdamW : IDisposable
{
    private readonly IReadOnlyList<ParameterSet> _sets;
    private readonly Backend _backend;
    private readonly AdamWSettings _settings;
    private readonly List<State> _states = [];
    private readonly List<DeviceBuffer> _buffers = [];
    private readonly Tensor _squaredNorm;
    private readonly byte[] _scalar = new byte[sizeof(double)];

    /// <summary>Memory of one trained parameter.</summary>
    /// <param name="Master">What is updated: the value itself, or its F32 original.</param>
    public sealed record State(Parameter Parameter, Tensor Master, Tensor FirstMoment, Tensor SecondMoment, Pull Pull)
    {
        public bool HasMaster => Master.Type != Parameter.Value.Type;
    }

    /// <param name="pull">Anchor and strength per parameter; a default value where nothing pulls.</param>
    /// <param name="masters">Keep F32 originals of BF16 values.</param>
    public AdamW(ParameterSet parameters, AdamWSettings settings, Func<Parameter, Pull> pull, bool masters = true)
        : this([parameters], settings, pull, masters)
    {
    }

    /// <param name="sets">Of one backend; one norm is over all of them.</param>
    /// <inheritdoc cref="AdamW(ParameterSet, AdamWSettings, Func{Parameter, Pull}, bool)"/>
    public AdamW(
        IReadOnlyList<ParameterSet> sets, AdamWSettings settings, Func<Parameter, Pull> pull, bool masters = true)
    {
        (_sets, _backend) = (sets, sets[0].Backend);
        _settings = settings;
        _squaredNorm = Reserve(DType.F64, new Shape(1));
        foreach (Parameter parameter in sets.SelectMany(set => set.Trained))
        {
            Shape shape = parameter.Value.Shape;
            DType type = parameter.Gradient.Type;
            Tensor master = parameter.Value;
            if (masters && master.Type == DType.BF16)
            {
                master = Reserve(DType.F32, shape);
                _backend.Convert(parameter.Value, master);
            }

            var state = new State(parameter, master, Reserve(type, shape), Reserve(type, shape), pull(parameter));
            _backend.Fill(0, state.FirstMoment);
            _backend.Fill(0, state.SecondMoment);
            _states.Add(state);
        }
    }

    /// <summary>The first of the sets, where a model or an adapter is the only one.</summary>
    public ParameterSet Parameters => _sets[0];

    /// <summary>Per trained parameter, in the model's order; checkpoints save and restore it.</summary>
    public IReadOnlyList<State> States => _states;

    /// <summary>
    /// Global norm of the gradients that the next update would use, before clipping. Waits for the device.
    /// </summary>
    public double GradientNorm()
    {
        _backend.Mark("optimizer");
        _backend.Fill(0, _squaredNorm);
        foreach (State state in _states)
            _backend.GradientSquaredNorm(state.Parameter.Gradient, state.Master, state.Pull, _squaredNorm);
        _backend.Download(_squaredNorm, _scalar);
        return Math.Sqrt(MemoryMarshal.Read<double>(_scalar));
    }

    /// <summary>
    /// Σ λ‖θ − θ₀‖² over what pulls, as the next update finds it; NaN where nothing does. Waits for the device.
    /// </summary>
    public double Penalty()
    {
        double sum = double.NaN;
        foreach (State state in _states.Where(state => !state.Pull.IsNone))
            sum = (double.IsNaN(sum) ? 0 : sum) + state.Pull.Strength / 2.0 * Squares(state.Master, state.Pull.Anchor);
        return sum;
    }

    /// <summary>Updates every trained parameter once.</summary>
    /// <param name="gradientNorm">Finite, from <see cref="GradientNorm"/>.</param>
    /// <param name="update">Number of this update, from 1.</param>
    public void Update(double gradientNorm, double learningRate, long update)
    {
        if (!double.IsFinite(gradientNorm))
            throw new ArgumentException($"A gradient norm of {gradientNorm} must not reach the weights.");
        // The small constant is PyTorch's, so that clipped runs can be compared.
        double scale = _settings.MaxNorm > 0 ? Math.Min(1, _settings.MaxNorm / (gradientNorm + 1e-6)) : 1;
        _backend.Mark("optimizer");
        foreach (State state in _states)
        {
            var step = new AdamWStep(
                (float)learningRate, _settings.Beta1, _settings.Beta2, _settings.Epsilon,
                state.Parameter.Decays ? _settings.WeightDecay : 0, (float)scale, update);
            Tensor copy = state.HasMaster ? state.Parameter.Value : Tensor.None;
            _backend.AdamW(
                state.Parameter.Gradient, state.Pull, step, state.Master, state.FirstMoment, state.SecondMoment, copy);
        }
    }

    /// <summary>
    /// What is not finite: weights and moments first, as gradients follow from them; null where all is.
    /// </summary>
    /// <remarks>Reads all memory of training: for when something is wrong.</remarks>
    public string? FirstNonFinite()
    {
        foreach (Parameter parameter in _sets.SelectMany(set => set.All))
            if (!IsFinite(parameter.Value))
                return $"the weights of {parameter.Name}";
        foreach (State state in _states)
        {
            string name = state.Parameter.Name;
            if (!IsFinite(state.Master))
                return $"the master weights of {name}";
            if (!IsFinite(state.FirstMoment) || !IsFinite(state.SecondMoment))
                return $"the moments of {name}";
        }

        return FirstNonFiniteGradient();
    }

    /// <summary>Trained parameters that no update has seen a gradient of.</summary>
    public IReadOnlyList<string> SilentParameters() =>
        [.. _states.Where(state => SquaredNorm(state.FirstMoment) == 0).Select(state => state.Parameter.Name)];

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
            buffer.Dispose();
        _buffers.Clear();
        _states.Clear();
    }

    private string? FirstNonFiniteGradient()
    {
        foreach (State state in _states)
        {
            if (!IsFinite(state.Parameter.Gradient))
                return $"the gradient of {state.Parameter.Name}";
            if (!state.Pull.IsNone && !double.IsFinite(Squares(state.Master, state.Pull.Anchor)))
                return $"the pull on {state.Parameter.Name}";
        }

        return null;
    }

    /// <remarks>Squares of F32 and BF16 numbers do not overflow a double.</remarks>
    private bool IsFinite(Tensor tensor) => double.IsFinite(SquaredNorm(tensor));

    private double SquaredNorm(Tensor tensor) => Squares(tensor, Tensor.None);

    private double Squares(Tensor tensor, Tensor origin)
    {
        _backend.Fill(0, _squaredNorm);
        _backend.Dot(tensor, tensor, origin, _squaredNorm);
        _backend.Download(_squaredNorm, _scalar);
        return MemoryMarshal.Read<double>(_scalar);
    }

    private Tensor Reserve(DType type, Shape shape)
    {
        DeviceBuffer buffer = _backend.Allocate(checked(shape.Length * type.Size()));
        _buffers.Add(buffer);
        return buffer.At(0, type, shape);
    }
}
