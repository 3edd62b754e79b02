namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    /// <summary>Also serves <see cref="Backend.Linear"/>, whose residual is none.</summary>
    protected override void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y)
    {
        if (!w.Adapter.IsNone)
            Project(w.Adapter.InputOr(x), w.Adapter);
        Elements input = new(x), weight = new(w.Weight), bias = new(w.Bias), carried = new(residual), output = new(y);
        Elements projected = new(w.Adapter.Projected), b = new(w.Adapter.B);
        long rank = w.Adapter.IsNone ? 0 : w.Adapter.A.Rows;
        for (long row = 0; row < y.Rows; row++)
            for (long n = 0; n < y.Cols; n++)
            {
                double sum = 0, lowRank = 0;
                for (long k = 0; k < x.Cols; k++)
                    sum += input[row, k] * weight[n, k];
                for (long r = 0; r < rank; r++)
                    lowRank += projected[row, r] * b[n, r];
                sum += (bias.IsNone ? 0 : bias[n]) + lowRank;
                output[row, n] = carried.IsNone ? sum : carried[row, n] + sum;
            }
    }

    /// <summary>projected [M, R] = scale · x Aᵀ.</summary>
    private static void Project(Tensor x, in LowRank adapter)
    {
        Elements input = new(x), a = new(adapter.A), projected = new(adapter.Projected);
        for (long row = 0; row < x.Rows; row++)
            for (long r = 0; r < adapter.A.Rows; r++)
            {
                double sum = 0;
                for (long k = 0; k < x.Cols; k++)
                    sum += input[row, k] * a[r, k];
                projected[row, r] = adapter.Scale * sum;
            }
    }
}
