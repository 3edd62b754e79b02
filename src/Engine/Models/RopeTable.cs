using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Cosines and sines of every position's rotation, computed in double.</summary>
public static class RopeTable
{
    /// <summary>Rotation per position of each pair: D/2 numbers in radians.</summary>
    /// <remarks>
    /// theta^(−2i/D), stretched as the scaling says. Llama 3: with wavelength w = 2π/frequency and original context P,
    /// w &gt; P/low divides by the factor, w &lt; P/high keeps, and between them the share of the kept frequency is
    /// (P/w − low)/(high − low). Dubey et al. 2024; Chen et al. 2023 for the linear one.
    /// </remarks>
    public static double[] Frequencies(RopeConfig rope, int headSize)
    {
        var frequencies = new double[headSize / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Stretch(rope, Math.Pow(rope.Theta, -2.0 * i / headSize));
        return frequencies;
    }

    /// <summary>The table that <see cref="Backend.Rope"/> reads: [positions, D], cosines then sines.</summary>
    public static Tensor Upload(
        Backend backend, RopeConfig rope, int headSize, int positions, DType type, out DeviceBuffer memory)
    {
        double[] frequencies = Frequencies(rope, headSize);
        int half = headSize / 2;
        var table = new double[(long)positions * headSize];
        for (int position = 0; position < positions; position++)
        {
            for (int i = 0; i < half; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * frequencies[i]);
                table[(long)position * headSize + i] = cosine;
                table[(long)position * headSize + half + i] = sine;
            }
        }

        memory = backend.Allocate(checked((long)table.Length * type.Size()));
        Tensor tensor = memory.At(0, type, new Shape(positions, headSize));
        if (type == DType.F64)
            backend.Upload(MemoryMarshal.AsBytes(table.AsSpan()), tensor);
        else
            backend.Upload(MemoryMarshal.AsBytes(Array.ConvertAll(table, value => (float)value).AsSpan()), tensor);
        return tensor;
    }

    private static double Stretch(RopeConfig rope, double frequency)
    {
        switch (rope.Scaling)
        {
            case RopeScaling.None:
                return frequency;
            case RopeScaling.Linear:
                return frequency / rope.Factor;
            default:
                double turns = rope.OriginalPositions * frequency / (2 * Math.PI);
                double kept = (turns - rope.LowFrequencyFactor) / (rope.HighFrequencyFactor - rope.LowFrequencyFactor);
                kept = Math.Clamp(kept, 0, 1);
                return (1 - kept) * frequency / rope.Factor + kept * frequency;
        }
    }
}
