using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Moves numbers between tests and device memory, whatever the element type.</summary>
internal static class TestTensors
{
    /// <summary>SHA-256 of all values, bit for bit.</summary>
    public static string Fingerprint(ParameterSet parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Parameter parameter in parameters.All)
            hash.AppendData(MemoryMarshal.AsBytes(Read(parameters.Backend, parameter.Value).AsSpan()));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static double[] Read(Backend backend, Tensor tensor)
    {
        using DeviceBuffer buffer = backend.Allocate(tensor.Length * sizeof(double));
        Tensor wide = buffer.At(0, DType.F32, tensor.Shape);
        if (tensor.Type == DType.F64)
        {
            var doubles = new double[tensor.Length];
            backend.Download(tensor, MemoryMarshal.AsBytes(doubles.AsSpan()));
            return doubles;
        }

        backend.Convert(tensor, wide);
        var singles = new float[tensor.Length];
        backend.Download(wide, MemoryMarshal.AsBytes(singles.AsSpan()));
        return Array.ConvertAll(singles, value => (double)value);
    }

    public static void Write(Backend backend, ReadOnlySpan<double> values, Tensor tensor)
    {
        if (tensor.Type == DType.F64)
        {
            backend.Upload(MemoryMarshal.AsBytes(values), tensor);
            return;
        }

        using DeviceBuffer buffer = backend.Allocate(tensor.Length * sizeof(float));
        Tensor wide = buffer.At(0, DType.F32, tensor.Shape);
        backend.Upload(MemoryMarshal.AsBytes(Array.ConvertAll(values.ToArray(), value => (float)value).AsSpan()), wide);
        backend.Convert(wide, tensor);
        backend.Synchronize();
    }
}
