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
        KeptFactors kept = new(shape.Dropout);
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
                            mixed += kept.Of(row, head, key - bounds[2 * segment])
                                * Math.Exp(scores[key - first] - logSum) * values[key, KeyColumn(head, shape) + d];
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
            for (int keyHead = 0; keyHead < shape.KeyHeads; keyHead++)
                gradient.Add(bounds[2 * segment], bounds[2 * segment + 1], keyHead, dq, dk, dv);
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

    /// <summary>What probabilities are multiplied by: 1 without dropout, else 0 or 1/(1 − rate).</summary>
    private readonly unsafe struct KeptFactors(AttentionDropout dropout)
    {
        private readonly DropoutMask _mask = new(dropout.Key, dropout.Rate);

        /// <param name="place">Of the key in its segment.</param>
        public double Of(long row, int head, long place)
        {
            if (dropout.Rate == 0)
                return 1;
            long rowKey = ((long*)dropout.RowKeys.Address)[row];
            return _mask.Keeps(rowKey, place, head) ? _mask.KeptScale : 0;
        }
    }

    /// <summary>The backward formulas of one attention layer, term by term.</summary>
    private readonly struct AttentionGradient(
        Tensor q, Tensor k, Tensor v, Tensor o, Tensor lse, Tensor dO, AttentionShape shape)
    {
        private readonly Elements _queries = new(q), _keys = new(k), _values = new(v);
        private readonly Elements _output = new(o), _lses = new(lse), _dOutput = new(dO);
        private readonly KeptFactors _kept = new(shape.Dropout);

        /// <summary>Adds the gradients of one segment's rows [start, stop) and of one key head.</summary>
        public void Add(int start, int stop, int keyHead, Tensor dq, Tensor dk, Tensor dv)
        {
            int group = shape.Heads / shape.KeyHeads, size = shape.HeadSize;
            double[] keySums = new double[(stop - start) * size], valueSums = new double[keySums.Length];
            for (int head = keyHead * group; head < (keyHead + 1) * group; head++)
                for (long row = start; row < stop; row++)
                    AddQuery(start, stop, row, head, dq, keySums, valueSums);
            Elements dKeys = new(dk), dValues = new(dv);
            for (int i = 0; i < keySums.Length; i++)
            {
                long key = start + i / size, column = (long)keyHead * size + i % size;
                dKeys[key, column] += keySums[i];
                dValues[key, column] += valueSums[i];
            }
        }

        /// <summary>What one query and head add: ds k to its own gradient, ds q and p dO to the keys' and
        /// values'.</summary>
        private void AddQuery(
            int start, int stop, long row, int head, Tensor dq, double[] keySums, double[] valueSums)
        {
            Elements dQueries = new(dq);
            long queryColumn = (long)head * shape.HeadSize, keyColumn = KeyColumn(head, shape);
            double[] sums = new double[shape.HeadSize];
            double delta = Delta(row, head);
            var (first, end) = VisibleKeys(start, stop, row, shape);
            for (long key = first; key < end; key++)
            {
                var (p, dScore) = Terms(row, key, head, delta, _kept.Of(row, head, key - start));
                for (int d = 0; d < shape.HeadSize; d++)
                {
                    sums[d] += dScore * _keys[key, keyColumn + d];
                    keySums[(key - start) * shape.HeadSize + d] += dScore * _queries[row, queryColumn + d];
                    valueSums[(key - start) * shape.HeadSize + d] += p * _dOutput[row, queryColumn + d];
                }
            }

            for (int d = 0; d < shape.HeadSize; d++)
                dQueries[row, queryColumn + d] += sums[d];
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

        /// <summary>What a key's value is multiplied by, m · p of p = exp(score − lse), and
        /// ds = p · (m · dO · v − δ) · scale.</summary>
        private (double P, double DScore) Terms(long row, long key, int head, double delta, double kept)
        {
            double p = Math.Exp(Score(_queries, _keys, row, key, head, shape) - _lses[row, head]), dP = 0;
            for (int d = 0; d < shape.HeadSize; d++)
                dP += _dOutput[row, (long)head * shape.HeadSize + d] * _values[key, KeyColumn(head, shape) + d];
            return (kept * p, p * (kept * dP - delta) * shape.Scale);
        }
    }
}
