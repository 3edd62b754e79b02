namespace FastCpt.Engine.Config;

/// <summary>How documents share the rows of a batch.</summary>
public enum PackingMode
{
    /// <summary>Documents do not see each other and positions restart.</summary>
    Isolated,

    /// <summary>The token stream is cut every row, whatever the documents are.</summary>
    Wrapped,
}
