namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Matrices in double for error bounds and independent answers; row-major.</summary>
internal sealed record Matrix(double[] Values, int Rows, int Cols)
{
    public double this[int row, int col] => Values[row * Cols + col];

    public static Matrix operator +(Matrix left, Matrix right) => left.Zip(right, (a, b) => a + b);

    public static Matrix operator *(double factor, Matrix matrix) => matrix.Map(value => factor * value);

    /// <summary>left [P, Q] · right [Q, R].</summary>
    public static Matrix operator *(Matrix left, Matrix right)
    {
        Assert.That(left.Cols, Is.EqualTo(right.Rows));
        double[] sums = new double[left.Rows * right.Cols];
        for (int p = 0; p < left.Rows; p++)
            for (int q = 0; q < left.Cols; q++)
                for (int r = 0; r < right.Cols; r++)
                    sums[p * right.Cols + r] += left[p, q] * right[q, r];
        return new Matrix(sums, left.Rows, right.Cols);
    }

    public Matrix Absolute() => Map(Math.Abs);

    public Matrix Transposed()
    {
        double[] values = new double[Values.Length];
        for (int row = 0; row < Rows; row++)
            for (int col = 0; col < Cols; col++)
                values[col * Rows + row] = this[row, col];
        return new Matrix(values, Cols, Rows);
    }

    public Matrix Map(Func<double, double> function) =>
        this with { Values = Array.ConvertAll(Values, value => function(value)) };

    public Matrix Zip(Matrix other, Func<double, double, double> function)
    {
        Assert.That((other.Rows, other.Cols), Is.EqualTo((Rows, Cols)));
        return this with { Values = [.. Values.Zip(other.Values, function)] };
    }
}
