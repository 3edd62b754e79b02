using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Error bounds of matrix products, and of the layers made of them.</summary>
/// <remarks>
/// A sum of n products in float32, in any order and with or without fused multiply-add, is within n·u of Σ|a·b|
/// (Higham 2002, section 3.1, to first order; two more u cover the second order and scaling). An operand that itself
/// carries an error of E passes E·|other operand| on.
/// </remarks>
internal static class LinearBounds
{
    /// <summary>Error of left · rightᵀ for left [M, K], right [N, K] with errors of their own.</summary>
    public static Matrix Product(Matrix left, Matrix? leftError, Matrix right, Matrix? rightError = null)
    {
        Matrix sum = (left.Cols + 2) * Units.Single * (left.Absolute() * right.Absolute().Transposed());
        if (leftError is not null)
            sum += leftError * right.Absolute().Transposed();
        if (rightError is not null)
            sum += left.Absolute() * rightError.Transposed();
        return sum;
    }

    /// <summary>Error of x Wᵀ + bias + low-rank term, before it is stored. scale · x Aᵀ is stored in the activations'
    /// type.</summary>
    public static Matrix Forward(Scene scene, Matrix x, Matrix? xError, LinearWeight w, Units units)
    {
        Matrix weight = scene.Matrix(w.Weight);
        Matrix error = Product(x, xError, weight);
        // Bias and low-rank term join by two more sums over what is there.
        Matrix joined = x.Absolute() * weight.Absolute().Transposed();
        if (!w.Bias.IsNone)
            joined += Repeated(scene.Matrix(w.Bias), x.Rows).Absolute();
        error += 2 * Units.Single * joined;
        return w.Adapter.IsNone ? error : error + LowRank(scene, x, xError, w.Adapter, units);
    }

    /// <summary>Error of scale · (x Aᵀ) Bᵀ and of joining it.</summary>
    public static Matrix LowRank(Scene scene, Matrix x, Matrix? xError, LowRank adapter, Units units)
    {
        Matrix a = scene.Matrix(adapter.A), b = scene.Matrix(adapter.B);
        Matrix projected = x * a.Transposed(); // [M, R]
        Matrix projectedError = Product(x, xError, a) + units.Activation * projected.Absolute();
        return Math.Abs(adapter.Scale) * (Product(projected, projectedError, b)
            + 2 * Units.Single * (projected.Absolute() * b.Absolute().Transposed()));
    }

    /// <summary>Error of dx = dy W + scale · (dy B) A, before it is added. dy B may be held in the activations'
    /// type.</summary>
    public static Matrix InputGradient(Scene scene, Matrix dy, Matrix? dyError, LinearWeight w, Units units)
    {
        Matrix error = Product(dy, dyError, scene.Matrix(w.Weight).Transposed());
        return w.Adapter.IsNone ? error : error + LowRankInputGradient(scene, dy, dyError, w.Adapter, units);
    }

    /// <summary>Error of scale · (dy B) A and of joining it.</summary>
    public static Matrix LowRankInputGradient(
        Scene scene, Matrix dy, Matrix? dyError, LowRank adapter, Units units)
    {
        Matrix a = scene.Matrix(adapter.A), b = scene.Matrix(adapter.B);
        Matrix projected = dy * b; // [M, R]
        Matrix projectedError = Product(dy, dyError, b.Transposed()) + units.Activation * projected.Absolute();
        return Math.Abs(adapter.Scale) * (Product(projected, projectedError, a.Transposed())
            + 2 * Units.Single * (projected.Absolute() * a.Absolute()));
    }

    /// <summary>Error of dW = dyᵀ x [N, K], before it is added.</summary>
    public static Matrix WeightGradient(Matrix dy, Matrix? dyError, Matrix x, Matrix? xError = null) =>
        Product(dy.Transposed(), dyError?.Transposed(), x.Transposed(), xError?.Transposed());

    /// <summary>|old| · u for adding to a gradient in float32.</summary>
    public static Matrix Adding(Scene scene, Tensor gradient) => Units.Single * scene.Matrix(gradient).Absolute();

    private static Matrix Repeated(Matrix row, int rows) =>
        new([.. Enumerable.Range(0, rows).SelectMany(_ => row.Values)], rows, row.Cols);
}
