using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>One op with its operands in place, ready to run.</summary>
/// <param name="Outputs">What it writes or changes.</param>
internal sealed record OpCase(Action Run, params Output[] Outputs);

/// <summary>An output and how far from the exact answer rounding may take it.</summary>
/// <param name="Errors">Bound of each element's absolute error, without the rounding of the stored result
/// itself.</param>
internal sealed record Output(string Name, Tensor Tensor, Func<Units, double[]> Errors)
{
    /// <summary>Bounds that are computed element by element.</summary>
    public static Output Each(string name, Tensor tensor, Func<int, Units, double> error) =>
        new(name, tensor, units => [.. Enumerable.Range(0, (int)tensor.Length).Select(i => error(i, units))]);

    /// <summary>The stored result is the exact answer, rounded once.</summary>
    public static Output RoundedOnce(string name, Tensor tensor) => Each(name, tensor, (_, _) => 0);
}
