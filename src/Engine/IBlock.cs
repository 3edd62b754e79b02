namespace FastCpt.Engine;

/// <summary>A part of a model that maps activations to activations of the same shape, and can be run again.</summary>
public interface IBlock
{
    /// <summary>For profiles: "layer 3".</summary>
    string Name { get; }

    /// <summary>Whether anything in the block is trained.</summary>
    bool IsTrained { get; }

    /// <param name="tape">Runs the ops.</param>
    /// <param name="x">[M, C].</param>
    /// <returns>[M, C].</returns>
    Activation Forward(Tape tape, Activation x);
}
