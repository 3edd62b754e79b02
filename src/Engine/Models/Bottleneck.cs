using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>up(gelu(down h)): two small layers after a block's feed-forward layer.</summary>
/// <remarks>
/// Houlsby et al. 2019, section 2.1, at the one place that Pfeiffer et al. 2020 (MAD-X, equation 1) found to be enough:
/// it reads what the norm after the addition makes, and adds to what that norm reads.
/// </remarks>
/// <param name="down">[R, C] and bias.</param>
/// <param name="up">[C, R] and bias.</param>
public sealed class Bottleneck(Linear down, Linear up) : BlockAdapter
{
    public Linear Down => down;

    public Linear Up => up;

    public override bool IsTrained => down.IsTrained || up.IsTrained;

    internal override Activation? AfterMlp(Tape t, Activation h) => Of(t, h);

    internal Activation Of(Tape t, Activation h) => t.Linear(t.Gelu(t.Linear(h, down)), up);
}
