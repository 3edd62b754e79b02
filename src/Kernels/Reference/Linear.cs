namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y) =>
        LinearResidualKernel(x, w, Tensor.None, y);

    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, InputGradient dx, in LinearGradient dw)
    {
        if (dx.Overwrites)
            ClearWanted(dx.Value);
        if (dw.Overwrites)
        {
            ClearWanted(dw.Weight);
            ClearWanted(dw.Bias);
        }

        if (!dw.Weight.IsNone)
            AddProductOfTransposed(dy, x, dw.Weight);
        if (!dw.Bias.IsNone)
            AddColumnSums(dy, dw.Bias);
        double[,] lowRank = AddLowRankGradients(x, w.Adapter, dy, dw); // [M, K]
        if (!dx.IsNone)
            AddProduct(dy, w.Weight, w.Adapter.Input.IsNone ? lowRank : new double[x.Rows, x.Cols], dx.Value);
        if (!dw.Input.IsNone)
            AddTo(dw.Input, lowRank);
    }

    /// <summary>Gradients of A and B of every term.</summary>
    /// <returns>scale · (dy B) A of the row's term [M, K], 0 where a row has none.</returns>
    private double[,] AddLowRankGradients(Tensor x, in LowRank adapter, Tensor dy, in LinearGradient dw)
    {
        double[,] dInput = new double[x.Rows, x.Cols];
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, x.Rows);
            LowRankGradient gradient = adapter.GradientOf(index, dw);
            if (gradient.Overwrites)
            {
                ClearWanted(gradient.A);
                ClearWanted(gradient.B);
            }

            Tensor dyRows = dy.Slice(part.Start, part.Rows);
            if (!gradient.B.IsNone)
                AddProductOfTransposed(dyRows, adapter.ProjectedOf(part), gradient.B);
            double[,] dProjected = ProjectGradient(part, dyRows);
            if (!gradient.A.IsNone)
                AddLowRankInputWeight(dProjected, adapter.InputOr(x).Slice(part.Start, part.Rows), gradient.A);
            Elements a = new(part.A);
            for (long row = 0; row < part.Rows; row++)
                for (long k = 0; k < x.Cols; k++)
                    for (long r = 0; r < part.A.Rows; r++)
                        dInput[part.Start + row, k] += dProjected[row, r] * a[r, k];
        }

        return dInput;
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

    /// <returns>scale · dy B [M, R].</returns>
    private static double[,] ProjectGradient(in LowRankPart part, Tensor dy)
    {
        Elements dOutput = new(dy), b = new(part.B);
        double[,] dProjected = new double[dy.Rows, part.A.Rows];
        for (long row = 0; row < dy.Rows; row++)
            for (long r = 0; r < part.A.Rows; r++)
            {
                double sum = 0;
                for (long n = 0; n < dy.Cols; n++)
                    sum += dOutput[row, n] * b[n, r];
                dProjected[row, r] = part.Scale * sum;
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

    /// <summary>target [M, K] += left right + rest, for left [M, N] and right [N, K].</summary>
    private static void AddProduct(Tensor left, Tensor right, double[,] rest, Tensor target)
    {
        Elements lefts = new(left), rights = new(right), sums = new(target);
        for (long row = 0; row < target.Rows; row++)
            for (long k = 0; k < target.Cols; k++)
            {
                double sum = 0;
                for (long n = 0; n < left.Cols; n++)
                    sum += lefts[row, n] * rights[n, k];
                sums[row, k] += sum + rest[row, k];
            }
    }

    private static void AddTo(Tensor target, double[,] values)
    {
        Elements sums = new(target);
        for (long row = 0; row < target.Rows; row++)
            for (long k = 0; k < target.Cols; k++)
                sums[row, k] += values[row, k];
    }
}
