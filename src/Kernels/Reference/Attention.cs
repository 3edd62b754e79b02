namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse)
    {
        FillKernel(0, o);
        FillKernel(double.NegativeInfinity, lse);
        Elements queries = new(q), values = new(v), keys = new(k), output = new(o), lses = new(lse);
        ReadOnlySpan<int> bounds = Integers(segments.Bounds);
        double[] scores = new double[segments.Longest];
        for (int segment = 0; segment < segments.Count; segment++)
            for (long row = bounds[2 * segment]; row < bounds[2 * segment + 1]; row++)
                for (int head = 0; head < shape.Heads; head++)
                {
                    var (first, end) = VisibleKeys(bounds[2 * segment], bounds[2 * segment + 1], row, shape);
                    double max = double.NegativeInfinity, sum = 0;
                    for (long key = first; key < end; key++)
                    {
                        scores[key - first] = Score(queries, keys, row, key, head, shape);
                        max = Math.Max(max, scores[key - first]);
                    }

                    for (long key = first; key < end; key++)
                        sum += Math.Exp(scores[key - first] - max);
                    double logSum = max + Math.Log(sum);
                    lses[row, head] = logSum;
                    for (int d = 0; d < shape.HeadSize; d++)
                    {
                        double mixed = 0;
                        for (long key = first; key < end; key++)
                            mixed += Math.Exp(scores[key - first] - logSum) * values[key, KeyColumn(head, shape) + d];
                        output[row, (long)head * shape.HeadSize + d] = mixed;
                    }
                }
    }

    protected override void AttentionBackwardKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv)
    {
        ReadOnlySpan<int> bounds = Integers(segments.Bounds);
        AttentionGradient gradient = new(q, k, v, o, lse, dO, shape);
        for (int segment = 0; segment < segments.Count; segment++)
        {
            int start = bounds[2 * segment], end = bounds[2 * segment + 1];
            gradient.AddToQueries(start, end, dq);
            gradient.AddToKeys(start, end, dk, dv);
        }
    }

    /// <summary>The keys [first, end) that a row of the segment [start, stop) sees.</summary>
    private static (long First, long End) VisibleKeys(long start, long stop, long row, in AttentionShape shape) =>
        shape.Mask switch
        {
            AttentionMask.Causal => (start, row + 1),
            AttentionMask.Window => (Math.Max(start, row - shape.Window + 1), row + 1),
            _ => (start, stop),
        };

    private static double Score(
        in Elements queries, in Elements keys, long row, long key, int head, in AttentionShape shape)
    {
        double dot = 0;
        for (int d = 0; d < shape.HeadSize; d++)
            dot += queries[row, (long)head * shape.HeadSize + d] * keys[key, KeyColumn(head, shape) + d];
        return shape.Scale * dot;
    }

    /// <summary>First column of the key head that a query head reads.</summary>
    private static long KeyColumn(int head, in AttentionShape shape) =>
        (long)(head / (shape.Heads / shape.KeyHeads)) * shape.HeadSize;

    /// <summary>The backward formulas of one attention layer, term by term.</summary>
    private readonly struct AttentionGradient(
        Tensor q, Tensor k, Tensor v, Tensor o, Tensor lse, Tensor dO, AttentionShape shape)
    {
        private readonly Elements _queries = new(q), _keys = new(k), _values = new(v);
        private readonly Elements _output = new(o), _lses = new(lse), _dOutput = new(dO);

        /// <summary>dq += ds k.</summary>
        public void AddToQueries(int start, int stop, Tensor dq)
        {
            Elements dQueries = new(dq);
            double[] sums = new double[shape.HeadSize];
            for (long row = start; row < stop; row++)
                for (int head = 0; head < shape.Heads; head++)
                {
                    Array.Clear(sums);
                    double delta = Delta(row, head);
                    var (first, end) = VisibleKeys(start, stop, row, shape);
                    for (long key = first; key < end; key++)
                    {
                        var (_, dScore) = Terms(row, key, head, delta);
                        for (int d = 0; d < shape.HeadSize; d++)
                            sums[d] += dScore * _keys[key, KeyColumn(head, shape) + d];
                    }

                    for (int d = 0; d < shape.HeadSize; d++)
                        dQueries[row, (long)head * shape.HeadSize + d] += sums[d];
                }
        }

        /// <summary>dk += dsᵀ q and dv += pᵀ dO; the query heads of a group in order, each over its queries in
        /// order.</summary>
        public void AddToKeys(int start, int stop, Tensor dk, Tensor dv)
        {
            Elements dKeys = new(dk), dValues = new(dv);
            int group = shape.Heads / shape.KeyHeads;
            double[] keySums = new double[shape.HeadSize], valueSums = new double[shape.HeadSize];
            for (long key = start; key < stop; key++)
                for (int keyHead = 0; keyHead < shape.KeyHeads; keyHead++)
                {
                    Array.Clear(keySums);
                    Array.Clear(valueSums);
                    for (int head = keyHead * group; head < (keyHead + 1) * group; head++)
                        for (long row = start; row < stop; row++)
                            AddQuery(start, stop, row, key, head, keySums, valueSums);
                    for (int d = 0; d < shape.HeadSize; d++)
                    {
                        dKeys[key, (long)keyHead * shape.HeadSize + d] += keySums[d];
                        dValues[key, (long)keyHead * shape.HeadSize + d] += valueSums[d];
                    }
                }
        }

        private void AddQuery(
            int start, int stop, long row, long key, int head, double[] keySums, double[] valueSums)
        {
            var (first, end) = VisibleKeys(start, stop, row, shape);
            if (key < first || key >= end)
                return;
            var (p, dScore) = Terms(row, key, head, Delta(row, head));
            for (int d = 0; d < shape.HeadSize; d++)
            {
                long column = (long)head * shape.HeadSize + d;
                keySums[d] += dScore * _queries[row, column];
                valueSums[d] += p * _dOutput[row, column];
            }
        }

        /// <summary>δ = Σ dO · o of a row and head.</summary>
        private double Delta(long row, int head)
        {
            double sum = 0;
            for (int d = 0; d < shape.HeadSize; d++)
            {
                long column = (long)head * shape.HeadSize + d;
                sum += _dOutput[row, column] * _output[row, column];
            }

            return sum;
        }

        /// <summary>The probability of a key, p = exp(score − lse), and ds = p · (dO · v − δ) · scale.</summary>
        private (double P, double DScore) Terms(long row, long key, int head, double delta)
        {
            double p = Math.Exp(Score(_queries, _keys, row, key, head, shape) - _lses[row, head]), dP = 0;
            for (int d = 0; d < shape.HeadSize; d++)
                dP += _dOutput[row, (long)head * shape.HeadSize + d] * _values[key, KeyColumn(head, shape) + d];
            return (p, p * (dP - delta) * shape.Scale);
        }
    }
}
