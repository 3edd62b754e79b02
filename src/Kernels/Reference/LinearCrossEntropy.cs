namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void LinearCrossEntropyKernel(
        Tensor x, Tensor w, Tensor targets, float gradientScale, Tensor losses, Tensor dx, Tensor dw,
        bool overwritesWeight)
    {
        ReadOnlySpan<int> wanted = Integers(targets);
        Elements lossOfRow = new(losses);
        double[] logSums = new double[x.Rows], logits = new double[w.Rows];
        for (int row = 0; row < wanted.Length; row++)
        {
            lossOfRow[row] = 0;
            if (wanted[row] == IgnoredTarget)
                continue;
            logSums[row] = LogSumOfRow(x, w, row, logits);
            lossOfRow[row] = logSums[row] - logits[wanted[row]];
            if (dx.IsNone)
                continue;
            for (int piece = 0; piece < logits.Length; piece++)
                logits[piece] = LogitGradient(logits[piece], logSums[row], piece == wanted[row], gradientScale);
            AddLossGradientOfRow(w, row, logits, dx);
        }

        if (overwritesWeight)
            ClearWanted(dw);
        if (!dw.IsNone)
            AddLossGradientOfWeight(x, w, wanted, logSums, gradientScale, dw);
    }

    private static double LogSumOfRow(Tensor x, Tensor w, int row, double[] logits)
    {
        Elements input = new(x), weight = new(w);
        double max = double.NegativeInfinity, sum = 0;
        for (int piece = 0; piece < logits.Length; piece++)
        {
            logits[piece] = Logit(input, weight, row, piece, x.Cols);
            max = Math.Max(max, logits[piece]);
        }

        foreach (double logit in logits)
            sum += Math.Exp(logit - max);
        return max + Math.Log(sum);
    }

    private static double Logit(in Elements input, in Elements weight, int row, int piece, long width)
    {
        double sum = 0;
        for (long c = 0; c < width; c++)
            sum += input[row, c] * weight[piece, c];
        return sum;
    }

    private static double LogitGradient(double logit, double logSum, bool isTarget, double gradientScale) =>
        gradientScale * (Math.Exp(logit - logSum) - (isTarget ? 1 : 0));

    private static void AddLossGradientOfRow(Tensor w, int row, double[] dLogits, Tensor dx)
    {
        Elements weight = new(w), dInput = new(dx);
        for (long c = 0; c < dx.Cols; c++)
        {
            double sum = 0;
            for (int piece = 0; piece < dLogits.Length; piece++)
                sum += dLogits[piece] * weight[piece, c];
            dInput[row, c] += sum;
        }
    }

    /// <summary>dw += dᵀ x, one piece of the vocabulary at a time: its logits are computed a second time.</summary>
    private static void AddLossGradientOfWeight(
        Tensor x, Tensor w, ReadOnlySpan<int> wanted, double[] logSums, double gradientScale, Tensor dw)
    {
        Elements input = new(x), weight = new(w), dWeight = new(dw);
        double[] sums = new double[x.Cols];
        for (int piece = 0; piece < w.Rows; piece++)
        {
            Array.Clear(sums);
            for (int row = 0; row < wanted.Length; row++)
            {
                if (wanted[row] == IgnoredTarget)
                    continue;
                double logit = Logit(input, weight, row, piece, x.Cols);
                double dLogit = LogitGradient(logit, logSums[row], piece == wanted[row], gradientScale);
                for (long c = 0; c < x.Cols; c++)
                    sums[c] += dLogit * input[row, c];
            }

            for (long c = 0; c < x.Cols; c++)
                dWeight[piece, c] += sums[c];
        }
    }
}
