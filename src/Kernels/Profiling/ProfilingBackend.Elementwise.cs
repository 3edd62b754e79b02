namespace FastCpt.Kernels.Profiling;

public sealed partial class ProfilingBackend
{
    protected override void ConvertKernel(Tensor x, Tensor y)
    {
        long start = Begin();
        inner.Convert(x, y);
        End(nameof(Convert), start, OpCost.Touching(x, y));
    }

    protected override void FillKernel(double value, Tensor y)
    {
        long start = Begin();
        inner.Fill(value, y);
        End(nameof(Fill), start, OpCost.Touching(y));
    }

    protected override void AddKernel(Tensor x, Tensor y, Tensor z)
    {
        long start = Begin();
        inner.Add(x, y, z);
        End(nameof(Add), start, OpCost.Touching(x, y, z));
    }

    protected override void GeGluKernel(Tensor gate, Tensor up, Tensor y)
    {
        long start = Begin();
        inner.GeGlu(gate, up, y);
        End(nameof(GeGlu), start, OpCost.Touching(gate, up, y));
    }

    protected override void GeGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
    {
        long start = Begin();
        inner.GeGluBackward(gate, up, dy, dGate, dUp);
        End(nameof(GeGluBackward), start, OpCost.Touching(gate, up, dy, dGate, dGate, dUp, dUp));
    }

    protected override void SwiGluKernel(Tensor gate, Tensor up, Tensor y)
    {
        long start = Begin();
        inner.SwiGlu(gate, up, y);
        End(nameof(SwiGlu), start, OpCost.Touching(gate, up, y));
    }

    protected override void SwiGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
    {
        long start = Begin();
        inner.SwiGluBackward(gate, up, dy, dGate, dUp);
        End(nameof(SwiGluBackward), start, OpCost.Touching(gate, up, dy, dGate, dGate, dUp, dUp));
    }

    protected override void GeluKernel(Tensor x, Tensor y)
    {
        long start = Begin();
        inner.Gelu(x, y);
        End(nameof(Gelu), start, OpCost.Touching(x, y));
    }

    protected override void GeluBackwardKernel(Tensor x, Tensor dy, InputGradient dx)
    {
        long start = Begin();
        inner.GeluBackward(x, dy, dx);
        End(nameof(GeluBackward), start, OpCost.Touching(x, dy) + OpCost.OfSum(dx));
    }

    protected override void DropoutKernel(Tensor x, Tensor rowKeys, float rate, in DropoutKey key, Tensor y)
    {
        long start = Begin();
        inner.Dropout(x, rowKeys, rate, key, y);
        End(nameof(Dropout), start, OpCost.Touching(x, rowKeys, y));
    }

    protected override void DropoutBackwardKernel(Tensor dy, Tensor rowKeys, float rate, in DropoutKey key, Tensor dx)
    {
        long start = Begin();
        inner.DropoutBackward(dy, rowKeys, rate, key, dx);
        End(nameof(DropoutBackward), start, OpCost.Touching(dy, rowKeys, dx, dx));
    }
}
