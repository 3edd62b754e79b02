using System.Globalization;

namespace FastCpt.Bench;

/// <summary>Times of the same work, a round each, as shares of what the device allowed in that round.</summary>
/// <remarks>The median is the figure; the best time by the highest limit of all rounds stands beside it, as a machine
/// that others use too shows what the code can do only now and then.</remarks>
/// <param name="work">Operations or bytes of a call.</param>
internal sealed class SharesOfLimit(double work)
{
    private readonly List<double> _seconds = [], _shares = [];
    private double _highest;

    /// <param name="limit">Operations or bytes a second, measured in the same round.</param>
    public void Add(double seconds, double limit)
    {
        _seconds.Add(seconds);
        _shares.Add(work / seconds / limit);
        _highest = Math.Max(_highest, limit);
    }

    /// <summary>Median time in milliseconds.</summary>
    public string Time => (CaseReport.Median(_seconds) * 1e3).ToString("F2", CultureInfo.InvariantCulture);

    /// <summary>Median share, and the best.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{CaseReport.Median(_shares):P0} ({work / _seconds.Min() / _highest:P0})");
}
