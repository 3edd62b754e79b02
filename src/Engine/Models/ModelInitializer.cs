using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Kernels.Platform;

namespace FastCpt.Engine.Models;

/// <summary>Draws the weights of a fresh model: matrices normally distributed, norms as identities, biases 0.</summary>
/// <remarks>A value depends on the seed, the parameter's name and the element alone.</remarks>
public static class ModelInitializer
{
    private const int ChunkElements = 1 << 20;

    public static void Draw(CausalModel model, ulong seed)
    {
        bool offsetNorms = model.Config.Architecture == Architecture.Gemma3;
        foreach (Parameter parameter in model.Parameters.All)
        {
            if (parameter.Value.Shape.Rank >= 2)
                DrawMatrix(model, parameter, seed);
            else if (parameter.Name.EndsWith("norm.weight", StringComparison.Ordinal) && !offsetNorms)
                model.Backend.Fill(1, parameter.Value);
            else
                model.Backend.Fill(0, parameter.Value);
        }
    }

    private static void DrawMatrix(CausalModel model, Parameter parameter, ulong seed)
    {
        ulong name = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(parameter.Name)));
        float range = model.Config.InitializerRange;
        Tensor flat = parameter.Value.Reshape(new Shape(parameter.Value.Length, 1));
        using DeviceBuffer staging = model.Backend.Allocate((long)ChunkElements * sizeof(float));
        var values = new float[ChunkElements];
        var threads = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, model.Backend.Threads) };
        for (long start = 0; start < flat.Length; start += ChunkElements)
        {
            int count = (int)Math.Min(ChunkElements, flat.Length - start);
            long first = start;
            Parallel.For(0, (count + 4095) / 4096, threads, block =>
            {
                for (int i = block * 4096; i < Math.Min(count, (block + 1) * 4096); i++)
                    values[i] = range * (float)Philox.Normal(
                        seed, RandomStream.Initialization, name, (ulong)(first + i));
            });
            Upload(model.Backend, values.AsSpan(0, count), staging, flat.Slice(start, count));
        }
    }

    private static void Upload(Backend backend, ReadOnlySpan<float> values, DeviceBuffer staging, Tensor target)
    {
        Tensor floats = staging.At(0, DType.F32, new Shape(values.Length));
        backend.Upload(MemoryMarshal.AsBytes(values), floats);
        backend.Convert(floats, target);
    }
}
