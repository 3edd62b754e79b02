using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>A label for every token: one linear layer over an encoder's last activations.</summary>
/// <remarks>
/// Its parameters are a set of their own, called as published: <c>classifier.weight</c> [K, C] and
/// <c>classifier.bias</c> [K]. A batch may hold groups of rows that belong to different heads.
/// </remarks>
public sealed class TokenClassifier : IDisposable
{
    /// <param name="type">Of the encoder's activations.</param>
    /// <param name="width">C.</param>
    /// <param name="labels">K.</param>
    public TokenClassifier(Backend backend, DType type, int width, int labels)
    {
        Parameters = new ParameterSet(backend, type);
        Parameter weight = Parameters.Add("classifier.weight", new Shape(labels, width));
        Linear = new Linear("classifier", weight, Parameters.Add("classifier.bias", new Shape(labels)));
    }

    public ParameterSet Parameters { get; }

    /// <summary>K.</summary>
    public int Labels => (int)Linear.OutputWidth;

    internal Linear Linear { get; }

    /// <summary>Draws the weight normally distributed; the bias is 0.</summary>
    /// <remarks>A value depends on the seed and the element alone, so every head of a seed begins alike.</remarks>
    public void Draw(ulong seed, float deviation)
    {
        RandomValues.Normal(Linear.Weight, Parameters.Backend, seed, deviation);
        Parameters.Backend.Fill(0, Linear.Bias!.Value); // the constructor gave it one
    }

    /// <summary>Cross-entropy of every row under its group's head; in a training pass also where gradients start.
    /// </summary>
    /// <remarks>A group's losses and gradients have the bits that they have in a batch of its own.</remarks>
    /// <param name="dropout">Rate before the heads, in training passes.</param>
    /// <param name="losses">[M] of the statistic type; rows of groups are overwritten, others left alone.</param>
    public static void Losses(
        Tape tape, XlmRoberta encoder, in ModelInputs inputs, ReadOnlySpan<ClassifierGroup> groups, float dropout,
        Tensor losses)
    {
        Activation hidden = tape.Dropout(
            encoder.Hidden(tape, inputs), inputs.RowKeys, dropout, DropoutLayers.Classifier);
        foreach (ClassifierGroup group in groups)
            tape.LinearCrossEntropy(
                hidden, group.Rows, group.Head.Linear, PartOf(inputs.Targets, group.Rows), group.GradientScale,
                PartOf(losses, group.Rows));
    }

    /// <summary>The label of every row under its group's head: the best score, the lowest label among equals.</summary>
    /// <param name="targets">[M]; rows that are to be ignored are left alone. Empty: all are labelled.</param>
    /// <param name="labels">[M]; rows of groups are overwritten, others left alone.</param>
    public static void Predict(
        Tape tape, XlmRoberta encoder, in ModelInputs inputs, ReadOnlySpan<ClassifierGroup> groups,
        ReadOnlySpan<int> targets, Span<int> labels)
    {
        Tensor hidden = encoder.Hidden(tape, inputs).Value;
        foreach (ClassifierGroup group in groups)
        {
            Tensor rows = hidden.Slice(group.Rows.Start, group.Rows.Count);
            Tensor logits = tape.Take(Statistic(rows.Type), new Shape(group.Rows.Count, group.Head.Labels));
            tape.Backend.Linear(rows, group.Head.Linear.Values(projected: default), logits);
            int first = (int)group.Rows.Start, count = (int)group.Rows.Count;
            ReadOnlySpan<int> wanted = targets.IsEmpty ? targets : targets.Slice(first, count);
            byte[] rented = ArrayPool<byte>.Shared.Rent((int)logits.Bytes);
            Span<byte> host = rented.AsSpan(0, (int)logits.Bytes);
            tape.Backend.Download(logits, host);
            if (logits.Type == DType.F64)
                Best(MemoryMarshal.Cast<byte, double>(host), group.Head.Labels, wanted, labels.Slice(first, count));
            else
                Best(MemoryMarshal.Cast<byte, float>(host), group.Head.Labels, wanted, labels.Slice(first, count));
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public void Dispose() => Parameters.Dispose();

    private static void Best<T>(ReadOnlySpan<T> logits, int labels, ReadOnlySpan<int> targets, Span<int> best)
        where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        for (int row = 0; row < best.Length; row++)
        {
            if (!targets.IsEmpty && targets[row] == Backend.IgnoredTarget)
                continue;
            ReadOnlySpan<T> scores = logits.Slice(row * labels, labels);
            int first = 0;
            for (int label = 1; label < labels; label++)
                if (scores[label] > scores[first])
                    first = label;
            best[row] = first;
        }
    }

    private static DType Statistic(DType type) => type == DType.F64 ? DType.F64 : DType.F32;

    private static Tensor PartOf(Tensor vector, RowRange rows) => vector
        .Reshape(new Shape(vector.Length, 1)).Slice(rows.Start, rows.Count).Reshape(new Shape(rows.Count));
}
