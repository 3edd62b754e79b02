using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>Keys and values that every row of a sentence sees before those of the sentence.</summary>
/// <remarks>Li and Liang 2021, section 4.2, without their reparameterisation. The sentence's own positions stay as they
/// are.</remarks>
/// <param name="keys">[P, K·D].</param>
/// <param name="values">[P, K·D].</param>
public sealed class Prefix(Parameter keys, Parameter values) : BlockAdapter
{
    public Parameter Keys => keys;

    public Parameter Values => values;

    /// <summary>P.</summary>
    public int Length => checked((int)keys.Value.Rows);

    public override bool IsTrained => keys.IsTrained || values.IsTrained;
}
