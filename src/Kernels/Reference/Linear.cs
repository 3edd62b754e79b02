namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y) =>
        LinearResidualKernel(x, w, Tensor.None, y);

    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw)
    {
        if (dw.Overwrites)
            foreach (Tensor gradient in (ReadOnlySpan<Tensor>)[dw.Weight, dw.Bias, dw.A, dw.B])
                ClearWanted(gradient);
        if (!dw.Weight.IsNone)
            AddProductOfTransposed(dy, x, dw.Weight);
        if (!dw.Bias.IsNone)
            AddColumnSums(dy, dw.Bias);
        if (!dw.B.IsNone)
            AddProductOfTransposed(dy, w.Adapter.Projected, dw.B);
        if (dx.IsNone && dw.A.IsNone && dw.Input.IsNone)
            return;
        double[,] dProjected = LowRankGradient(w.Adapter, dy);
        if (!dw.A.IsNone)
            AddLowRankInputWeight(dProjected, w.Adapter.InputOr(x), dw.A);
        if (!dx.IsNone)
            AddInputGradient(w, dy, dProjected, dx);
        if (!dw.Input.IsNone)
            AddAdapterInputGradient(w.Adapter, dProjected, dw.Input);
    }

    private void ClearWanted(Tensor gradient)
    {
        if (!gradient.IsNone)
            FillKernel(0, gradient);
    }

    /// <summary>target [P, Q] += leftᵀ right, for left [M, P] and right [M, Q].</summary>
    private static void AddProductOfTransposed(Tensor left, Tensor right, Tensor target)
    {
        Elements lefts = new(left), rights = new(right), sums = new(target);
        for (long p = 0; p < left.Cols; p++)
            for (long q = 0; q < right.Cols; q++)
            {
                double sum = 0;
                for (long row = 0; row < left.Rows; row++)
                    sum += lefts[row, p] * rights[row, q];
                sums[p, q] += sum;
            }
    }

    private static void AddColumnSums(Tensor dy, Tensor dBias)
    {
        Elements dOutput = new(dy), sums = new(dBias);
        for (long col = 0; col < dy.Cols; col++)
        {
            double sum = 0;
            for (long row = 0; row < dy.Rows; row++)
                sum += dOutput[row, col];
            sums[col] += sum;
        }
    }

    /// <returns>scale · dy B [M, R]; without an adapter R is 0.</returns>
    private static double[,] LowRankGradient(in LowRank adapter, Tensor dy)
    {
        long rank = adapter.IsNone ? 0 : adapter.A.Rows;
        Elements dOutput = new(dy), b = new(adapter.B);
        double[,] dProjected = new double[dy.Rows, rank];
        for (long row = 0; row < dy.Rows; row++)
            for (long r = 0; r < rank; r++)
            {
                double sum = 0;
                for (long n = 0; n < dy.Cols; n++)
                    sum += dOutput[row, n] * b[n, r];
                dProjected[row, r] = adapter.Scale * sum;
            }

        return dProjected;
    }

    private static void AddLowRankInputWeight(double[,] dProjected, Tensor x, Tensor dA)
    {
        Elements input = new(x), sums = new(dA);
        for (long r = 0; r < dA.Rows; r++)
            for (long k = 0; k < x.Cols; k++)
            {
                double sum = 0;
                for (long row = 0; row < x.Rows; row++)
                    sum += dProjected[row, r] * input[row, k];
                sums[r, k] += sum;
            }
    }

    private static void AddInputGradient(in LinearWeight w, Tensor dy, double[,] dProjected, Tensor dx)
    {
        Elements weight = new(w.Weight), a = new(w.Adapter.A), dOutput = new(dy), dInput = new(dx);
        for (long row = 0; row < dx.Rows; row++)
            for (long k = 0; k < dx.Cols; k++)
            {
                double sum = 0, lowRank = 0;
                for (long n = 0; n < dy.Cols; n++)
                    sum += dOutput[row, n] * weight[n, k];
                for (long r = 0; r < dProjected.GetLength(1) && w.Adapter.Input.IsNone; r++)
                    lowRank += dProjected[row, r] * a[r, k];
                dInput[row, k] += sum + lowRank;
            }
    }

    private static void AddAdapterInputGradient(in LowRank adapter, double[,] dProjected, Tensor gradient)
    {
        Elements a = new(adapter.A), dInput = new(gradient);
        for (long row = 0; row < gradient.Rows; row++)
            for (long k = 0; k < gradient.Cols; k++)
            {
                double sum = 0;
                for (long r = 0; r < adapter.A.Rows; r++)
                    sum += dProjected[row, r] * a[r, k];
                dInput[row, k] += sum;
            }
    }
}
