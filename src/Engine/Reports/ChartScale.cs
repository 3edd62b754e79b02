using System.Globalization;

namespace FastCpt.Engine.Reports;

/// <summary>A straight axis: values to places, and round values to mark.</summary>
internal sealed class ChartScale
{
    private const int TickCount = 5;

    private readonly double _low, _high, _from, _to;

    /// <param name="values">What must fit; the axis ends at round numbers.</param>
    /// <param name="from">Place of the lowest value.</param>
    /// <param name="to">Place of the highest.</param>
    public ChartScale(IEnumerable<double> values, double from, double to)
    {
        double[] known = [.. values];
        (double low, double high) = known.Length == 0 ? (0, 1) : (known.Min(), known.Max());
        if (low == high)
            (low, high) = (low - 0.5, high + 0.5);
        double step = RoundStep((high - low) / TickCount);
        (_low, _high) = (Math.Floor(low / step) * step, Math.Ceiling(high / step) * step);
        (_from, _to) = (from, to);
        Ticks = [.. Enumerable.Range(0, (int)Math.Round((_high - _low) / step) + 1).Select(i => _low + i * step)];
        int digits = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        Format = "F" + digits.ToString(CultureInfo.InvariantCulture);
    }

    public IReadOnlyList<double> Ticks { get; }

    /// <summary>Writes a tick with the digits that tell it from its neighbours.</summary>
    public string Label(double tick) =>
        (Math.Abs(tick) < 1e-12 ? 0 : tick).ToString(Format, CultureInfo.InvariantCulture);

    public double At(double value) => _from + (value - _low) / (_high - _low) * (_to - _from);

    private string Format { get; }

    /// <summary>The next of 1, 2, 5 times a power of ten.</summary>
    private static double RoundStep(double step)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return (step / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 } * power;
    }
}
