namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void WeightedSumKernel(ReadOnlySpan<Tensor> xs, ReadOnlySpan<double> weights, Tensor y)
    {
        Elements output = new(y);
        for (long i = 0; i < y.Length; i++)
        {
            // From the first term on, not from 0: a sum of negative zeros keeps its sign.
            double sum = xs.IsEmpty ? 0 : weights[0] * new Elements(xs[0])[i];
            for (int term = 1; term < xs.Length; term++)
                sum += weights[term] * new Elements(xs[term])[i];
            output[i] = sum;
        }
    }
}
