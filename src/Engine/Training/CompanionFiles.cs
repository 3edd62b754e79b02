using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Training;

/// <summary>What lies beside saved weights: the tokenizer of the run, and the base's other files.</summary>
/// <remarks>A tokenizer that the base has but the run does not use stays behind.</remarks>
internal static class CompanionFiles
{
    /// <exception cref="RunException">Exit 6: a file could not be written.</exception>
    public static void Copy(RunConfig config, FolderOutput output)
    {
        CopyTokenizer(config, output);
        if (config.Model.Path is { } origin)
            TensorFolderWriter.CopyOthers(origin, output, TokenizerFile.IsPart);
    }

    /// <summary>What lies beside a saved adapter, which is no model by itself.</summary>
    /// <inheritdoc cref="Copy"/>
    public static void CopyTokenizer(RunConfig config, FolderOutput output)
    {
        foreach ((string path, string name) in TokenizerFile.PartsOf(config.Tokenizer!)) // the reader has filled it in
            output.Copy(path, name);
    }
}
