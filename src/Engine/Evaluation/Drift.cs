using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Evaluation;

/// <summary>How far one part of a model lies from the same part of its origin.</summary>
/// <param name="Elements">Number of weights.</param>
/// <param name="OriginSquares">Σ θ₀².</param>
/// <param name="Squares">Σ θ².</param>
/// <param name="Product">Σ θ θ₀.</param>
/// <param name="Distance">Σ (θ − θ₀)².</param>
public readonly record struct PartDrift(
    long Elements, double OriginSquares, double Squares, double Product, double Distance)
{
    public double Cosine => Product / Math.Sqrt(OriginSquares * Squares);

    /// <summary>Root of the mean squared change.</summary>
    public double Rms => Math.Sqrt(Distance / Elements);

    /// <summary>‖θ − θ₀‖ / ‖θ₀‖.</summary>
    public double Relative => Math.Sqrt(Distance / OriginSquares);

    public static PartDrift operator +(PartDrift left, PartDrift right) => new(
        left.Elements + right.Elements, left.OriginSquares + right.OriginSquares, left.Squares + right.Squares,
        left.Product + right.Product, left.Distance + right.Distance);
}

/// <summary>Distances between the weights of models in folders, per decoder layer, with sums in double.</summary>
/// <remarks>
/// family-cpt.md 5. Tensors of a layer are added in the order of their names; what is in no layer is a part of its own.
/// </remarks>
public static class Drift
{
    private const int PieceElements = 1 << 18;

    /// <summary>Per layer; −1 stands for parameters in no layer.</summary>
    /// <param name="stop">Polled for every tensor.</param>
    /// <exception cref="RunException">
    /// Exit 4: the folders do not hold the same names and shapes. Exit 130, 143: stopped.
    /// </exception>
    public static IReadOnlyDictionary<int, PartDrift> Measure(
        ModelFolder origin, ModelFolder model, StopSignal? stop = null)
    {
        RequireSame(origin, model);
        var parts = new SortedDictionary<int, PartDrift>();
        foreach (ParameterShape parameter in Ordered(origin))
        {
            stop?.ThrowIfStopRequested("measuring drift");
            PartDrift sum = default;
            ForEachPiece(parameter, [origin, model], pieces => sum += Compare(pieces[0], pieces[1]));
            int layer = LayerGroups.LayerOf(parameter.Name) ?? -1;
            parts[layer] = parts.GetValueOrDefault(layer) + sum;
        }

        return parts;
    }

    /// <summary>Cosine of the changes of two models from one origin, per layer.</summary>
    /// <remarks>1 where neither changed anything, 0 where exactly one did.</remarks>
    /// <exception cref="RunException">Exit 4: the folders do not hold the same names and shapes.</exception>
    public static IReadOnlyDictionary<int, double> TaskVectorCosines(
        ModelFolder origin, ModelFolder first, ModelFolder second)
    {
        RequireSame(origin, first);
        RequireSame(origin, second);
        var sums = new SortedDictionary<int, (double Product, double First, double Second)>();
        foreach (ParameterShape parameter in Ordered(origin))
        {
            int layer = LayerGroups.LayerOf(parameter.Name) ?? -1;
            ForEachPiece(parameter, [origin, first, second], pieces =>
            {
                (double product, double one, double two) = sums.GetValueOrDefault(layer);
                for (int i = 0; i < pieces[0].Length; i++)
                {
                    double a = pieces[1][i] - pieces[0][i], b = pieces[2][i] - pieces[0][i];
                    product += a * b;
                    one += a * a;
                    two += b * b;
                }

                sums[layer] = (product, one, two);
            });
        }

        return sums.ToDictionary(
            sum => sum.Key,
            sum => sum.Value switch
            {
                { First: 0, Second: 0 } => 1,
                { First: 0 } or { Second: 0 } => 0,
                var value => value.Product / Math.Sqrt(value.First * value.Second),
            });
    }

    private static IEnumerable<ParameterShape> Ordered(ModelFolder folder) =>
        ParameterLayout.Of(folder.Config).OrderBy(parameter => parameter.Name, StringComparer.Ordinal);

    private static PartDrift Compare(ReadOnlySpan<double> origin, ReadOnlySpan<double> model)
    {
        double originSquares = 0, squares = 0, product = 0, distance = 0;
        for (int i = 0; i < origin.Length; i++)
        {
            double start = origin[i], end = model[i], change = end - start;
            originSquares += start * start;
            squares += end * end;
            product += start * end;
            distance += change * change;
        }

        return new PartDrift(origin.Length, originSquares, squares, product, distance);
    }

    private static void ForEachPiece(
        ParameterShape parameter, ModelFolder[] folders, Action<double[][]> visit)
    {
        for (long start = 0; start < parameter.Shape.Length; start += PieceElements)
        {
            int count = (int)Math.Min(PieceElements, parameter.Shape.Length - start);
            visit(Array.ConvertAll(folders, folder => Read(folder, parameter.Name, start, count)));
        }
    }

    private static double[] Read(ModelFolder folder, string name, long start, int count)
    {
        DType type = folder.StoredType(name);
        var bytes = new byte[count * type.Size()];
        folder.Read(name, start * type.Size(), bytes);
        if (type == DType.F64)
            return MemoryMarshal.Cast<byte, double>(bytes).ToArray();
        var values = new double[count];
        StoredNumbers.Add(type, bytes, 1, values);
        return values;
    }

    private static void RequireSame(ModelFolder origin, ModelFolder model)
    {
        var shapes = ParameterLayout.Of(model.Config).ToDictionary(has => has.Name, has => has.Shape);
        IReadOnlyList<ParameterShape> wanted = ParameterLayout.Of(origin.Config);
        foreach (ParameterShape parameter in wanted)
            if (!shapes.TryGetValue(parameter.Name, out Shape found) || found != parameter.Shape)
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{model.Path}: '{parameter.Name}' is {(found.Rank == 0 ? "missing" : found)} but "
                    + $"{parameter.Shape} in {origin.Path}. Drift compares a model with its own base.");
        if (shapes.Count != wanted.Count)
            throw new RunException(
                ExitCode.ModelFile,
                $"{model.Path}: {shapes.Count} parameters, but {wanted.Count} in {origin.Path}. "
                + "Drift compares a model with its own base.");
    }
}
