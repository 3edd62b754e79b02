namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void DotKernel(Tensor x, Tensor y, Tensor origin, Tensor result)
    {
        Elements left = new(x), right = new(y), from = new(origin), total = new(result);
        double sum = 0;
        for (long i = 0; i < x.Length; i++)
        {
            double start = from.IsNone ? 0 : from[i];
            sum += (left[i] - start) * (right[i] - start);
        }

        total[0] += sum;
    }
}
