using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using FastCpt.Kernels;
using FastCpt.Kernels.Platform;

namespace FastCpt.Engine.Parameters;

/// <summary>Draws the values of parameters.</summary>
/// <remarks>A value depends on the seed, the parameter's name and the element alone.</remarks>
public static class RandomValues
{
    private const int ChunkElements = 1 << 20, BlockElements = 4096;

    /// <summary>Normally distributed around 0.</summary>
    public static void Normal(Parameter parameter, Backend backend, ulong seed, float deviation) =>
        Draw(parameter, backend, (name, element) =>
            deviation * (float)Philox.Normal(seed, RandomStream.Initialization, name, element));

    /// <summary>Equally distributed in [−bound, bound).</summary>
    public static void Uniform(Parameter parameter, Backend backend, ulong seed, double bound) =>
        Draw(parameter, backend, (name, element) =>
            (float)(bound * (2 * Philox.Uniform(seed, RandomStream.Initialization, name, element) - 1)));

    private static void Draw(Parameter parameter, Backend backend, Func<ulong, ulong, float> value)
    {
        ulong name = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(parameter.Name)));
        Tensor flat = parameter.Value.Reshape(new Shape(parameter.Value.Length, 1));
        using DeviceBuffer staging = backend.Allocate((long)ChunkElements * sizeof(float));
        var values = new float[(int)Math.Min(ChunkElements, flat.Length)];
        var threads = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, backend.Threads) };
        for (long start = 0; start < flat.Length; start += ChunkElements)
        {
            int count = (int)Math.Min(ChunkElements, flat.Length - start);
            long first = start;
            Parallel.For(0, (count + BlockElements - 1) / BlockElements, threads, block =>
            {
                for (int i = block * BlockElements; i < Math.Min(count, (block + 1) * BlockElements); i++)
                    values[i] = value(name, (ulong)(first + i));
            });
            Tensor floats = staging.At(0, DType.F32, new Shape(count));
            backend.Upload(MemoryMarshal.AsBytes(values.AsSpan(0, count)), floats);
            backend.Convert(floats, flat.Slice(start, count));
        }
    }
}
