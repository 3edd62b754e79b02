namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void AddKernel(Tensor x, Tensor y, Tensor z)
    {
        Elements left = new(x), right = new(y), sum = new(z);
        for (long i = 0; i < z.Length; i++)
            sum[i] = left[i] + right[i];
    }
}
