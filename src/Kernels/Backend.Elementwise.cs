namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>z = x + y. z may be x or y.</summary>
    public void Add(Tensor x, Tensor y, Tensor z)
    {
        CheckAlike(x, y, z);
        AddKernel(x, y, z);
    }

    /// <summary>y = gelu(gate) · up, gelu in its tanh form: 0.5 g (1 + tanh(√(2/π) (g + 0.044715 g³))).</summary>
    /// <remarks>y may be gate or up. Hendrycks and Gimpel 2016; Shazeer 2020.</remarks>
    public void GeGlu(Tensor gate, Tensor up, Tensor y)
    {
        CheckAlike(gate, up, y);
        GeGluKernel(gate, up, y);
    }

    /// <summary>dGate += dy · up · gelu'(gate); dUp += dy · gelu(gate).</summary>
    public void GeGluBackward(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
    {
        CheckAlike(gate, up, dy);
        CheckAlike(gate, dGate, dUp);
        GeGluBackwardKernel(gate, up, dy, dGate, dUp);
    }

    /// <summary>y = gate / (1 + exp(−gate)) · up. y may be gate or up.</summary>
    public void SwiGlu(Tensor gate, Tensor up, Tensor y)
    {
        CheckAlike(gate, up, y);
        SwiGluKernel(gate, up, y);
    }

    /// <summary>
    /// With s the logistic function of gate: dGate += dy · up · s (1 + gate (1 − s)); dUp += dy · gate · s.
    /// </summary>
    public void SwiGluBackward(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
    {
        CheckAlike(gate, up, dy);
        CheckAlike(gate, dGate, dUp);
        SwiGluBackwardKernel(gate, up, dy, dGate, dUp);
    }

    /// <summary>y = x · Φ(x) = 0.5 x (1 + erf(x/√2)). y may be x. Hendrycks and Gimpel 2016.</summary>
    public void Gelu(Tensor x, Tensor y)
    {
        CheckAlike(x, x, y);
        GeluKernel(x, y);
    }

    /// <summary>dx (+)= dy · (Φ(x) + x φ(x)).</summary>
    /// <param name="dx">Not none.</param>
    public void GeluBackward(Tensor x, Tensor dy, InputGradient dx)
    {
        CheckAlike(x, dy, dx.Value);
        GeluBackwardKernel(x, dy, dx);
    }

    /// <summary>y = x / (1 − rate) where the element is kept, else 0. y may be x. Srivastava et al. 2014.</summary>
    /// <remarks>Element (row, column) is kept when a <see cref="Platform.Philox"/> number of stream Dropout for (key,
    /// rowKeys[row], column) is at least rate · 2³².</remarks>
    /// <param name="rowKeys">I64 [rows]; see <see cref="DropoutKey"/>.</param>
    /// <param name="rate">In [0, 1).</param>
    public void Dropout(Tensor x, Tensor rowKeys, float rate, in DropoutKey key, Tensor y)
    {
        CheckAlike(x, x, y);
        Expect.Vector(rowKeys, nameof(rowKeys), DType.I64, x.Rows);
        Expect.That(rate is >= 0 and < 1, $"A dropout rate of {rate}.");
        DropoutKernel(x, rowKeys, rate, key, y);
    }

    /// <summary>dx += dy / (1 − rate) where the element was kept.</summary>
    public void DropoutBackward(Tensor dy, Tensor rowKeys, float rate, in DropoutKey key, Tensor dx)
    {
        CheckAlike(dy, dy, dx);
        Expect.Vector(rowKeys, nameof(rowKeys), DType.I64, dy.Rows);
        Expect.That(rate is >= 0 and < 1, $"A dropout rate of {rate}.");
        DropoutBackwardKernel(dy, rowKeys, rate, key, dx);
    }

    protected abstract void AddKernel(Tensor x, Tensor y, Tensor z);

    protected abstract void GeGluKernel(Tensor gate, Tensor up, Tensor y);

    protected abstract void GeGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp);

    protected abstract void SwiGluKernel(Tensor gate, Tensor up, Tensor y);

    protected abstract void SwiGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp);

    protected abstract void GeluKernel(Tensor x, Tensor y);

    protected abstract void GeluBackwardKernel(Tensor x, Tensor dy, InputGradient dx);

    protected abstract void DropoutKernel(Tensor x, Tensor rowKeys, float rate, in DropoutKey key, Tensor y);

    protected abstract void DropoutBackwardKernel(
        Tensor dy, Tensor rowKeys, float rate, in DropoutKey key, Tensor dx);

    private static void CheckAlike(Tensor first, Tensor second, Tensor third)
    {
        Expect.Floating(first, nameof(first));
        Expect.Matrix(second, nameof(second), first.Type, first.Rows, first.Cols);
        Expect.Matrix(third, nameof(third), first.Type, first.Rows, first.Cols);
    }
}
