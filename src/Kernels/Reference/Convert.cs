namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void ConvertKernel(Tensor x, Tensor y)
    {
        Elements input = new(x), output = new(y);
        for (long i = 0; i < y.Length; i++)
            output[i] = input[i];
    }
}
