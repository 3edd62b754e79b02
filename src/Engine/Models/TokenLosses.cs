using System.Runtime.InteropServices;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Where the losses of a batch's rows are written, and how they reach the host.</summary>
/// <param name="rows">The most rows of a batch.</param>
public sealed class TokenLosses(Backend backend, int rows, DType type = DType.F32) : IDisposable
{
    private readonly DeviceBuffer _memory = backend.Allocate((long)rows * type.Size());
    private readonly byte[] _host = new byte[rows * type.Size()];

    /// <summary>Memory for the losses of a batch: [rows].</summary>
    public Tensor For(int rowCount) => _memory.At(0, type, new Shape(rowCount));

    /// <summary>Sum in double, rows in order, in nats. Waits for the device.</summary>
    /// <param name="start">
    /// Sum of the rows before these: so carried on, a sum does not depend on how rows are batched.
    /// </param>
    public double Sum(int rowCount, double start = 0) => Sum(new RowRange(0, rowCount), start);

    /// <summary>The same of some rows of a batch.</summary>
    public double Sum(RowRange rows, double start = 0)
    {
        Tensor losses = For((int)rows.End);
        Span<byte> bytes = _host.AsSpan(0, (int)losses.Bytes);
        backend.Download(losses, bytes);
        bytes = bytes[(int)(rows.Start * type.Size())..];
        double sum = start;
        if (type == DType.F64)
            foreach (double loss in MemoryMarshal.Cast<byte, double>(bytes))
                sum += loss;
        else
            foreach (float loss in MemoryMarshal.Cast<byte, float>(bytes))
                sum += loss;
        return sum;
    }

    public void Dispose() => _memory.Dispose();
}
