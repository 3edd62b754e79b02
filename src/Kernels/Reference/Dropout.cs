namespace FastCpt.Kernels.Reference;

public sealed unsafe partial class ReferenceBackend
{
    protected override void DropoutKernel(Tensor x, Tensor rowKeys, float rate, in DropoutKey key, Tensor y)
    {
        Elements input = new(x), output = new(y);
        long* keys = (long*)rowKeys.Address;
        DropoutMask mask = new(key, rate);
        for (long row = 0; row < x.Rows; row++)
            for (long col = 0; col < x.Cols; col++)
                output[row, col] = mask.Keeps(keys[row], col) ? input[row, col] * mask.KeptScale : 0;
    }

    protected override void DropoutBackwardKernel(
        Tensor dy, Tensor rowKeys, float rate, in DropoutKey key, Tensor dx)
    {
        Elements dOutput = new(dy), dInput = new(dx);
        long* keys = (long*)rowKeys.Address;
        DropoutMask mask = new(key, rate);
        for (long row = 0; row < dy.Rows; row++)
            for (long col = 0; col < dy.Cols; col++)
                if (mask.Keeps(keys[row], col))
                    dInput[row, col] += dOutput[row, col] * mask.KeptScale;
    }
}
