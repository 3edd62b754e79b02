using System.Runtime.InteropServices;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Engine.Decoding;

/// <summary>Continues a text with the most probable piece at every step; of equal ones the lowest id wins.</summary>
/// <remarks>
/// Every step runs the model over all pieces so far, which keeps nothing between steps and costs n²/2 rows for n
/// pieces: meant for samples and short answers, not for serving.
/// </remarks>
public sealed class GreedyDecoder(CausalModel model) : IDisposable
{
    private readonly Tape _tape = new(model.Backend);
    private readonly float[] _logits = new float[model.Config.VocabularySize];

    /// <param name="prompt">At least one piece.</param>
    /// <param name="ends">Pieces after which nothing follows.</param>
    /// <returns>At most maxPieces pieces after the prompt, fewer where an end, then the last, or the longest row that
    /// the model can see is reached.</returns>
    /// <exception cref="RunException">Exit code 5: the model's scores are not numbers.</exception>
    public IReadOnlyList<int> Continue(ReadOnlySpan<int> prompt, int maxPieces, IReadOnlyCollection<int> ends)
    {
        ArgumentOutOfRangeException.ThrowIfZero(prompt.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prompt.Length, model.Positions);
        List<int> pieces = [.. prompt];
        while (pieces.Count - prompt.Length < maxPieces && pieces.Count < model.Positions)
        {
            pieces.Add(Best(CollectionsMarshal.AsSpan(pieces)));
            if (ends.Contains(pieces[^1]))
                break;
        }

        return pieces[prompt.Length..];
    }

    public void Dispose() => _tape.Dispose();

    private int Best(ReadOnlySpan<int> pieces)
    {
        var positions = new int[pieces.Length];
        for (int i = 0; i < positions.Length; i++)
            positions[i] = i;
        _tape.BeginInference();
        ModelInputs inputs = ModelInputs.Upload(_tape, pieces, positions, [0, pieces.Length], targets: []);
        Tensor logits = _tape.Take(model.Parameters.Type, new Shape(1, _logits.Length));
        model.Logits(_tape, inputs, firstRow: pieces.Length - 1, logits);
        Tensor scores = _tape.Take(DType.F32, logits.Shape);
        model.Backend.Convert(logits, scores);
        model.Backend.Download(scores, MemoryMarshal.AsBytes(_logits.AsSpan()));

        int best = TensorPrimitives.IndexOfMax<float>(_logits); // the first of equal ones; NaN before any number
        if (float.IsNaN(_logits[best]))
            throw new RunException(ExitCode.Numerics,
                $"The score of piece {best} after {pieces.Length} pieces is not a number. The weights are damaged, "
                + "or too large for their type.");
        return best;
    }
}
