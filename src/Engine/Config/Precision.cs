namespace FastCpt.Engine.Config;

/// <summary>Element types of weights and activations.</summary>
public enum Precision
{
    /// <summary>What suits the device; resolved at start and recorded.</summary>
    Auto,

    Fp32,

    /// <summary>Weights and activations in BF16, masters and optimizer state in F32.</summary>
    Bf16,

    /// <summary>BF16 without masters.</summary>
    PureBf16,
}
