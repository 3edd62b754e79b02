using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>One of several that learn over one frozen model: adapters at a place of every layer, and sentences.
/// </summary>
internal sealed class Learner : IDisposable
{
    private readonly Model _model;
    private readonly int _number, _place;

    /// <param name="number">What adapters and sentences are drawn from.</param>
    /// <param name="place">Of the adapters.</param>
    public Learner(Model model, int number, int place, float dropout)
    {
        (_model, _number, _place) = (model, number, place);
        Parameters = new ParameterSet(model.Backend, model.Parameters.Type);
        foreach (Linear linear in model.Linears)
        {
            Parameter a = Drawn($"{linear.Name}.lora_A.weight", new Shape(3, linear.InputWidth));
            Parameter b = Drawn($"{linear.Name}.lora_B.weight", new Shape(linear.OutputWidth, 3));
            linear.SetAdapter(place, new LowRankAdapter(a, b, 1.5f, dropout));
        }

        Parameters.Train(_ => true);
    }

    public ParameterSet Parameters { get; }

    /// <summary>Tokens of a step's sentences.</summary>
    public int RowsAt(int step) => LengthsAt(step).Sum();

    /// <summary>Adds a step's sentences: a function of the learner's number and the step alone.</summary>
    public void AddTo(Batch batch, int step)
    {
        long start = batch.Ids.Count;
        int[] lengths = LengthsAt(step);
        for (int sentence = 0; sentence < lengths.Length; sentence++)
        {
            batch.Bounds.AddRange([batch.Ids.Count, batch.Ids.Count + lengths[sentence]]);
            long sample = 1000 * _number + 10 * step + sentence;
            for (int i = 0; i < lengths[sentence]; i++)
            {
                batch.Ids.Add(2 + (int)((sample + 7 * i * i) % 11));
                batch.Targets.Add((int)((sample + 3 * i) % 13));
                batch.Positions.Add(i);
                batch.Keys.Add((sample << 20) + i);
            }
        }

        batch.Rows.Add(_place, new RowRange(start, batch.Ids.Count - start));
    }

    /// <summary>All values and gradients.</summary>
    public double[][] State() =>
    [
        .. Parameters.All.Select(parameter => TestTensors.Read(_model.Backend, parameter.Value)),
        .. Parameters.All.Select(parameter => TestTensors.Read(_model.Backend, parameter.Gradient)),
    ];

    public void Dispose()
    {
        foreach (Linear linear in _model.Linears)
            linear.SetAdapter(_place, null);
        Parameters.Dispose();
    }

    private int[] LengthsAt(int step) => [1 + (_number + step) % 4, 5, 2 + _number % 3];

    private Parameter Drawn(string name, Shape shape)
    {
        Parameter parameter = Parameters.Add(name, shape);
        RandomValues.Normal(parameter, _model.Backend, (ulong)_number, 0.3f);
        return parameter;
    }

    /// <summary>Sentences of one pass.</summary>
    internal sealed class Batch
    {
        public List<int> Ids { get; } = [];

        public List<int> Targets { get; } = [];

        public List<int> Positions { get; } = [];

        public List<int> Bounds { get; } = [];

        public List<long> Keys { get; } = [];

        public AdapterRows Rows { get; } = new();
    }
}
