namespace FastCpt.Engine.Config;

/// <summary>What a study's strategies with adapters train over the frozen encoder.</summary>
public enum AdapterKind
{
    /// <summary>Low-rank terms of linear layers. Hu et al. 2021.</summary>
    Lora,

    /// <summary>Two small layers after each feed-forward layer, as wide as the rank. Houlsby et al. 2019.</summary>
    Bottleneck,

    /// <summary>Keys and values before every sentence, as many as the rank. Li and Liang 2021.</summary>
    Prefix,
}
