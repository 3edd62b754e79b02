using static FastCpt.Engine.Evaluation.TransferMatrix;

namespace FastCpt.Engine.Evaluation;

/// <summary>MFT and MBT, forward and backward transfer over hops, in three views; null is undefined.</summary>
/// <remarks>
/// Reconstructed from what is said of them; receiver is the headline. With T languages, R[i, j] and b_j = R[0, j]:
/// receiver MBT(j) = mean over i &gt; j of R[i, j] − R[j, j], MFT(j) = mean over i &lt; j of R[i, j] − b_j;
/// donor MBT(i) = mean over j &lt; i of R[i, j] − R[i − 1, j], MFT(i) the same over j &gt; i;
/// distance MBT(k) = mean over j of R[j + k, j] − R[j, j], MFT(k) = mean over i of R[i, i + k] − b_{i + k}.
/// </remarks>
public sealed class MultiHop(TransferMatrix r)
{
    private int T => r.Count;

    /// <summary>MBT of a language by its position from 1, or of a distance.</summary>
    public double? Backward(HopView view, int index) => view switch
    {
        HopView.Receiver => Mean(Range(index + 1, T).Select(i => r[i, index] - r.Diagonal(index))),
        HopView.Donor => Mean(Range(1, index - 1).Select(j => r[index, j] - r[index - 1, j])),
        _ => Mean(Range(1, T - index).Select(j => r[j + index, j] - r.Diagonal(j))),
    };

    /// <summary>MFT of a language by its position from 1, or of a distance.</summary>
    public double? Forward(HopView view, int index) => view switch
    {
        HopView.Receiver => Mean(Range(1, index - 1).Select(i => r[i, index] - r[0, index])),
        HopView.Donor => Mean(Range(index + 1, T).Select(j => r[index, j] - r[index - 1, j])),
        _ => Mean(Range(1, T - index).Select(i => r[i, i + index] - r[0, i + index])),
    };

    /// <summary>The mean of MBT over languages that can have one, or over distances.</summary>
    public double? MeanBackward(HopView view) => Mean(
        (view == HopView.Donor ? Range(2, T) : Range(1, T - 1)).Select(index => Backward(view, index)));

    /// <summary>The mean of MFT over languages that can have one, or over distances.</summary>
    public double? MeanForward(HopView view) => Mean(
        (view == HopView.Receiver ? Range(2, T) : Range(1, T - 1)).Select(index => Forward(view, index)));
}
