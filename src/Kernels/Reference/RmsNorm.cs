namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void RmsNormKernel(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd)
    {
        Elements input = new(x), weight = new(w), output = new(y), rstds = new(rstd);
        for (long row = 0; row < x.Rows; row++)
        {
            double squares = 0;
            for (long col = 0; col < x.Cols; col++)
                squares += input[row, col] * input[row, col];
            double scale = 1 / Math.Sqrt(squares / x.Cols + eps);
            rstds[row] = scale;
            for (long col = 0; col < x.Cols; col++)
                output[row, col] = input[row, col] * scale * (offset + weight[col]);
        }
    }

    protected override void RmsNormBackwardKernel(
        Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw)
    {
        Elements input = new(x), weight = new(w), rstds = new(rstd), dOutput = new(dy), dInput = new(dx);
        for (long row = 0; row < x.Rows && !dInput.IsNone; row++)
        {
            double scale = rstds[row], dot = 0;
            for (long col = 0; col < x.Cols; col++)
                dot += dOutput[row, col] * (offset + weight[col]) * input[row, col];
            double shared = scale * scale * dot / x.Cols;
            for (long col = 0; col < x.Cols; col++)
            {
                double h = dOutput[row, col] * (offset + weight[col]);
                dInput[row, col] += scale * (h - input[row, col] * shared);
            }
        }

        Elements dWeight = new(dw);
        for (long col = 0; col < x.Cols && !dWeight.IsNone; col++)
        {
            double sum = 0;
            for (long row = 0; row < x.Rows; row++)
                sum += dOutput[row, col] * input[row, col] * rstds[row];
            dWeight[col] += sum;
        }
    }
}
