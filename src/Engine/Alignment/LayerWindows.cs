using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Alignment;

/// <summary>Ranges of equal width that slide over the depth: reverting each shows where change hurts.</summary>
/// <remarks>family-cpt.md 3.5: width 6 over 34 layers gives 29 windows.</remarks>
public static class LayerWindows
{
    public static IReadOnlyList<LayerRange> Of(int layers, int width, int stride = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        var windows = new List<LayerRange>();
        for (int start = 0; start + width <= layers; start += stride)
            windows.Add(new LayerRange(start, start + width));
        return windows;
    }

    /// <summary>Where a window is drawn on the axis of layers.</summary>
    public static double Centre(LayerRange window) => window.Start + (window.Count - 1) / 2.0;
}
