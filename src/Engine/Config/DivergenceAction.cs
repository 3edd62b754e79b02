namespace FastCpt.Engine.Config;

/// <summary>What a loss or gradient norm far above the usual does to a run.</summary>
public enum DivergenceAction
{
    Off,

    /// <summary>Says it and goes on.</summary>
    Warn,

    /// <summary>Ends the run before the update.</summary>
    Stop,
}
