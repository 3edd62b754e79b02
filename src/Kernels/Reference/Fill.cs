namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void FillKernel(double value, Tensor y)
    {
        Elements output = new(y);
        for (long i = 0; i < y.Length; i++)
            output[i] = value;
    }
}
