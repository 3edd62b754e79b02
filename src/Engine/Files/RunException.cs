namespace FastCpt.Engine.Files;

/// <summary>What a run ends with; schedulers and scripts branch on the number.</summary>
public enum ExitCode
{
    Done = 0,

    /// <summary>Unexpected internal error.</summary>
    Bug = 1,

    /// <summary>Unknown verb, option or value on the command line.</summary>
    Usage = 2,

    /// <summary>Configuration or data rejected before any work was done.</summary>
    Config = 3,

    /// <summary>A model, tokenizer or checkpoint file is malformed, hostile or inconsistent.</summary>
    ModelFile = 4,

    /// <summary>Non-finite values, or the divergence policy stopped the run.</summary>
    Numerics = 5,

    /// <summary>Disk full, out of memory, device lost, or a requested instruction set is missing.</summary>
    Resources = 6,

    /// <summary>A check said no: verification mismatch, threshold not met.</summary>
    CheckFailed = 7,

    /// <summary>Stopped on request; a checkpoint to go on from is saved.</summary>
    Resumable = 75,

    Interrupted = 130,
    Terminated = 143,
}

/// <summary>A mistake of the user or of a file: the command prints the message alone and ends with the code.</summary>
/// <remarks>The message says where, what was found, what was expected and what to do.</remarks>
public sealed class RunException(ExitCode code, string message, Exception? cause = null) : Exception(message, cause)
{
    public ExitCode Code { get; } = code;
}
