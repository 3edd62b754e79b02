namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    /// <summary>Also serves <see cref="Backend.Linear"/>, whose residual is none.</summary>
    protected override void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y)
    {
        Elements input = new(x), weight = new(w.Weight), bias = new(w.Bias), carried = new(residual), output = new(y);
        double[,] lowRank = LowRankTerms(x, w.Adapter, y);
        for (long row = 0; row < y.Rows; row++)
            for (long n = 0; n < y.Cols; n++)
            {
                double sum = 0;
                for (long k = 0; k < x.Cols; k++)
                    sum += input[row, k] * weight[n, k];
                sum += (bias.IsNone ? 0 : bias[n]) + lowRank[row, n];
                output[row, n] = carried.IsNone ? sum : carried[row, n] + sum;
            }
    }

    /// <returns>scale · (x Aᵀ) Bᵀ of the row's term [M, N], 0 where a row has none.</returns>
    private static double[,] LowRankTerms(Tensor x, in LowRank adapter, Tensor y)
    {
        double[,] terms = new double[y.Rows, y.Cols];
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, x.Rows);
            Tensor kept = adapter.ProjectedOf(part);
            Project(adapter.InputOr(x).Slice(part.Start, part.Rows), part, kept);
            Elements projected = new(kept), b = new(part.B);
            for (long row = 0; row < part.Rows; row++)
                for (long n = 0; n < y.Cols; n++)
                    for (long r = 0; r < part.A.Rows; r++)
                        terms[part.Start + row, n] += projected[row, r] * b[n, r];
        }

        return terms;
    }

    /// <summary>projected [M, R] = scale · x Aᵀ.</summary>
    private static void Project(Tensor x, in LowRankPart part, Tensor kept)
    {
        Elements input = new(x), a = new(part.A), projected = new(kept);
        for (long row = 0; row < x.Rows; row++)
            for (long r = 0; r < part.A.Rows; r++)
            {
                double sum = 0;
                for (long k = 0; k < x.Cols; k++)
                    sum += input[row, k] * a[r, k];
                projected[row, r] = part.Scale * sum;
            }
    }
}
