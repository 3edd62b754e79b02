namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void LayerNormKernel(
        Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd)
    {
        Elements input = new(x), weight = new(w), bias = new(b), output = new(y);
        Elements means = new(mean), rstds = new(rstd);
        for (long row = 0; row < x.Rows; row++)
        {
            double sum = 0, squares = 0;
            for (long col = 0; col < x.Cols; col++)
                sum += input[row, col];
            double center = sum / x.Cols;
            for (long col = 0; col < x.Cols; col++)
                squares += (input[row, col] - center) * (input[row, col] - center);
            double scale = 1 / Math.Sqrt(squares / x.Cols + eps);
            (means[row], rstds[row]) = (center, scale);
            for (long col = 0; col < x.Cols; col++)
                output[row, col] = (input[row, col] - center) * scale * weight[col] + bias[col];
        }
    }

    protected override void LayerNormBackwardKernel(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db)
    {
        if (!dx.IsNone)
            LayerNormInputGradient(x, w, mean, rstd, dy, dx);
        Elements input = new(x), means = new(mean), rstds = new(rstd), dOutput = new(dy);
        Elements dWeight = new(dw), dBias = new(db);
        for (long col = 0; col < x.Cols; col++)
        {
            double weightSum = 0, biasSum = 0;
            for (long row = 0; row < x.Rows; row++)
            {
                weightSum += dOutput[row, col] * (input[row, col] - means[row]) * rstds[row];
                biasSum += dOutput[row, col];
            }

            if (!dWeight.IsNone)
                dWeight[col] += weightSum;
            if (!dBias.IsNone)
                dBias[col] += biasSum;
        }
    }

    private static void LayerNormInputGradient(Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx)
    {
        Elements input = new(x), weight = new(w), means = new(mean), rstds = new(rstd);
        Elements dOutput = new(dy), dInput = new(dx);
        for (long row = 0; row < x.Rows; row++)
        {
            double center = means[row], scale = rstds[row], sum = 0, dot = 0;
            for (long col = 0; col < x.Cols; col++)
            {
                double h = dOutput[row, col] * weight[col];
                sum += h;
                dot += h * (input[row, col] - center) * scale;
            }

            for (long col = 0; col < x.Cols; col++)
            {
                double h = dOutput[row, col] * weight[col], n = (input[row, col] - center) * scale;
                dInput[row, col] += scale * (h - sum / x.Cols - n * dot / x.Cols);
            }
        }
    }
}
