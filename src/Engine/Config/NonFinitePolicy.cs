namespace FastCpt.Engine.Config;

/// <summary>What a loss or gradient that is not finite does to a run.</summary>
public enum NonFinitePolicy
{
    Stop,

    /// <summary>Leaves the update out, a limited number of times in a row.</summary>
    Skip,

    /// <summary>Goes back to the newest healthy checkpoint and past the batch, once.</summary>
    Rollback,
}
