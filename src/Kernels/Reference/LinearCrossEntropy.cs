namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void LinearCrossEntropyKernel(
        Tensor x, in LinearWeight w, Tensor targets, float gradientScale, Tensor losses, Tensor dx,
        in LinearGradient dw)
    {
        ReadOnlySpan<int> wanted = Integers(targets);
        Elements lossOfRow = new(losses);
        double[] logSums = new double[x.Rows], logits = new double[w.Weight.Rows];
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
            AddLossGradientOfRow(w.Weight, row, logits, dx);
        }

        if (dw.Overwrites)
            ClearWanted(dw.Weight);
        if (dw.Overwrites)
            ClearWanted(dw.Bias);
        if (!dw.Weight.IsNone || !dw.Bias.IsNone)
            AddLossGradientOfWeight(x, w, wanted, logSums, gradientScale, dw);
    }

    private static double LogSumOfRow(Tensor x, in LinearWeight w, int row, double[] logits)
    {
        Elements input = new(x), weight = new(w.Weight), bias = new(w.Bias);
        double max = double.NegativeInfinity, sum = 0;
        for (int piece = 0; piece < logits.Length; piece++)
        {
            logits[piece] = Logit(input, weight, bias, row, piece, x.Cols);
            max = Math.Max(max, logits[piece]);
        }

        foreach (double logit in logits)
            sum += Math.Exp(logit - max);
        return max + Math.Log(sum);
    }

    private static double Logit(
        in Elements input, in Elements weight, in Elements bias, int row, int piece, long width)
    {
        double sum = bias.IsNone ? 0 : bias[piece];
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

    /// <summary>dW += dᵀ x and dBias += Σ d, one piece of the vocabulary at a time: its logits are computed a second
    /// time.</summary>
    private static void AddLossGradientOfWeight(
        Tensor x, in LinearWeight w, ReadOnlySpan<int> wanted, double[] logSums, double gradientScale,
        in LinearGradient dw)
    {
        Elements input = new(x), weight = new(w.Weight), bias = new(w.Bias);
        Elements dWeight = new(dw.Weight), dBias = new(dw.Bias);
        double[] sums = new double[x.Cols];
        for (int piece = 0; piece < w.Weight.Rows; piece++)
        {
            double slopes = 0;
            Array.Clear(sums);
            for (int row = 0; row < wanted.Length; row++)
            {
                if (wanted[row] == IgnoredTarget)
                    continue;
                double logit = Logit(input, weight, bias, row, piece, x.Cols);
                double dLogit = LogitGradient(logit, logSums[row], piece == wanted[row], gradientScale);
                slopes += dLogit;
                for (long c = 0; c < x.Cols; c++)
                    sums[c] += dLogit * input[row, c];
            }

            for (long c = 0; c < x.Cols && !dWeight.IsNone; c++)
                dWeight[piece, c] += sums[c];
            if (!dBias.IsNone)
                dBias[piece] += slopes;
        }
    }
}
