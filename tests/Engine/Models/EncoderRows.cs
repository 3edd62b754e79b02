using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Sentences of a test, padded or not.</summary>
internal sealed class EncoderRows
{
    private const int Padding = 1;

    private readonly List<int> _ids = [], _positions = [], _bounds = [];
    private readonly List<long> _keys = [];

    public List<int> Targets { get; } = [];

    public int Count => _ids.Count;

    /// <summary>First row of every sentence.</summary>
    public IReadOnlyList<int> Starts => [.. _bounds.Where((_, i) => i % 2 == 0)];

    /// <summary>Values of rows, some for each, without those of padding.</summary>
    public double[] WithoutPadding(double[] values)
    {
        int width = values.Length / Count;
        return [.. _bounds.Chunk(2).SelectMany(ends => values[(ends[0] * width)..(ends[1] * width)])];
    }

    public int Predicted => Targets.Count(target => target >= 0);

    public void Add(int[] tokens, int[] targets, int length, long sample)
    {
        int start = _ids.Count;
        _bounds.AddRange([start, start + tokens.Length]);
        for (int i = 0; i < length; i++)
        {
            _ids.Add(i < tokens.Length ? tokens[i] : Padding);
            _positions.Add(i < tokens.Length ? i : 0);
            Targets.Add(i < tokens.Length ? targets[i] : Backend.IgnoredTarget);
            _keys.Add((sample << 20) + i);
        }
    }

    public ModelInputs Upload(Tape tape) => ModelInputs.Upload(
        tape, _ids.ToArray(), _positions.ToArray(), _bounds.ToArray(), Targets.ToArray(), _keys.ToArray());
}
