namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void RopeKernel(Tensor positions, Tensor table, bool inverse, Tensor x)
    {
        Elements angles = new(table), rows = new(x);
        ReadOnlySpan<int> places = Integers(positions);
        long headSize = table.Cols, half = headSize / 2;
        for (long row = 0; row < x.Rows; row++)
            for (long head = 0; head < x.Cols; head += headSize)
                for (long i = 0; i < half; i++)
                {
                    long place = places[(int)row];
                    double cos = angles[place, i], sin = inverse ? -angles[place, i + half] : angles[place, i + half];
                    double a = rows[row, head + i], b = rows[row, head + i + half];
                    rows[row, head + i] = a * cos - b * sin;
                    rows[row, head + i + half] = b * cos + a * sin;
                }
    }
}
