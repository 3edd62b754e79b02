using System.Runtime.InteropServices;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>Adds adapters to the weights of a model in memory, or takes them out again.</summary>
/// <remarks>
/// W ± scale · B A, summed in double and rounded once. Taking out what was added gives W back to within one rounding of
/// each: in F32 within 1.2e-7 of the larger of W and the sum, in BF16 within 2⁻⁷ of it, so that what a sum has
/// swallowed does not come back. Keep the base where it is needed bit by bit.
/// </remarks>
public static class LoraMerge
{
    /// <summary>Adds every adapter to its weight. The adapters stay attached: dispose them, or count them twice.
    /// </summary>
    /// <exception cref="ArgumentException">Weights in F64, which is not merged in.</exception>
    public static void Add(Lora lora) => Run(lora, 1);

    /// <summary>Takes every adapter out of its weight.</summary>
    /// <exception cref="ArgumentException">Weights in F64, which is not merged in.</exception>
    public static void Remove(Lora lora) => Run(lora, -1);

    private static void Run(Lora lora, int sign)
    {
        Backend backend = lora.Parameters.Backend;
        if (lora.Parameters.Type == DType.F64)
            throw new ArgumentException("Sums in double cannot be rounded to double once.", nameof(lora));
        foreach (Linear linear in lora.Linears)
        {
            LowRankAdapter adapter = lora.AdapterOf(linear);
            var product = new LoraProduct(
                Read(backend, adapter.A.Value), Read(backend, adapter.B.Value), (int)adapter.Rank,
                sign * (double)adapter.Scale);
            Tensor weight = linear.Weight.Value;
            int most = (int)Math.Max(1, (1 << 24) / (weight.Cols * weight.Type.Size()));
            for (long row = 0; row < weight.Rows; row += most)
            {
                Tensor rows = weight.Slice(row, Math.Min(most, weight.Rows - row));
                var bytes = new byte[rows.Bytes];
                backend.Download(rows, bytes);
                product.AddTo(weight.Type, row, bytes);
                backend.Upload(bytes, rows);
            }
        }
    }

    private static double[] Read(Backend backend, Tensor tensor)
    {
        var bytes = new byte[tensor.Bytes];
        backend.Download(tensor, bytes);
        return tensor.Type == DType.F32
            ? Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), value => (double)value)
            : Array.ConvertAll(
                MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), value => (double)Bf16.ToSingle(value));
    }
}
