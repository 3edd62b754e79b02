using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Models;

/// <summary>Writes a model with the rows of kept pieces alone, from file to file; no number changes.</summary>
/// <remarks>
/// Rows go from the word embeddings and the heads that are as long as the vocabulary; the logits of kept pieces have
/// the bits that they had. The tokenizer's files are copied whole: it runs as before, then the mapping, which lies
/// beside them as <see cref="TrimmedVocabulary.FileName"/>.
/// </remarks>
public static class VocabularyTrimming
{
    private const int BlockBytes = 1 << 20;

    private static readonly string[] RowTables =
        [EncoderLayout.Words, EncoderLayout.HeadBias, ParameterLayout.Embedding, ParameterLayout.Head];

    /// <param name="output">The new folder; it must not exist, but its parent must.</param>
    /// <param name="warn">Told what is odd or left out.</param>
    /// <param name="stop">Polled once per tensor.</param>
    /// <exception cref="RunException">
    /// Exit 4: the model's vocabulary is smaller than the tokenizer's, or its padding would move. Exit 6: the disk.
    /// </exception>
    public static void Write(
        string folder, TrimmedVocabulary vocabulary, string output, Action<string> warn, StopSignal? stop = null)
    {
        using ModelFolder source = ModelFolder.Open(folder, warn);
        ModelConfig config = Trimmed(source, vocabulary);
        IReadOnlyList<ParameterShape> parameters = ParameterLayout.Of(config);
        TensorEntry[] entries = [.. parameters.Select(parameter =>
            ParameterLayout.Entry(parameter.Name, source.StoredType(parameter.Name), parameter.Shape))];
        using var writer = new FolderWriter(output);
        byte[] json = ModelConfigWriter.Write(config, entries[0].Type);
        writer.Write(ModelConfigReader.FileName, stream => stream.Write(json), json.Length);
        byte[] map = vocabulary.ToBytes();
        writer.Write(TrimmedVocabulary.FileName, stream => stream.Write(map), map.Length);
        TensorFolderWriter.Write(writer, entries, (entry, stream) =>
        {
            stop?.ThrowIfStopRequested($"trimming {folder}");
            if (RowTables.Contains(entry.Name))
                CopyRows(source, entry, vocabulary.Kept, stream);
            else
                CopyAll(source, entry, stream);
        });
        TensorFolderWriter.CopyOthers(folder, writer);
        writer.Complete();
    }

    private static ModelConfig Trimmed(ModelFolder source, TrimmedVocabulary vocabulary)
    {
        ModelConfig config = source.Config;
        if (config.VocabularySize < vocabulary.TokenizerSize)
            throw new RunException(ExitCode.ModelFile,
                $"{source.Path}: the model knows {config.VocabularySize} pieces, the tokenizer that was trimmed has "
                + $"{vocabulary.TokenizerSize}. They may come from different models.");
        ModelConfig trimmed = config with
        {
            VocabularySize = vocabulary.Count,
            BosToken = Mapped(config.BosToken),
            PadToken = Mapped(config.PadToken),
            EosTokens = [.. config.EosTokens.Select(id => Mapped(id) ?? id)],
        };
        // An encoder's position table starts behind the padding's id.
        if (config is EncoderConfig { Padding: var padding } && padding != ((EncoderConfig)trimmed).Padding)
            throw new RunException(ExitCode.ModelFile,
                $"{source.Path}: padding is {padding} and would be {trimmed.PadToken}, but positions are counted from "
                + "it. Ids up to the padding's have to be kept.");
        return trimmed;

        int? Mapped(int? id) => id is { } old && old < vocabulary.TokenizerSize ? vocabulary.Map(old) : null;
    }

    private static void CopyRows(ModelFolder source, TensorEntry entry, IReadOnlyList<int> kept, Stream stream)
    {
        int rowBytes = checked((int)(entry.ByteCount / kept.Count));
        var block = new byte[rowBytes * Math.Max(1, BlockBytes / rowBytes)];
        int filled = 0;
        foreach (int id in kept)
        {
            source.Read(entry.Name, (long)id * rowBytes, block.AsSpan(filled, rowBytes));
            filled += rowBytes;
            if (filled == block.Length)
                Flush();
        }

        Flush();

        void Flush()
        {
            stream.Write(block, 0, filled);
            filled = 0;
        }
    }

    private static void CopyAll(ModelFolder source, TensorEntry entry, Stream stream)
    {
        var block = new byte[Math.Min(entry.ByteCount, BlockBytes)];
        for (long at = 0; at < entry.ByteCount; at += block.Length)
        {
            Span<byte> part = block.AsSpan(0, (int)Math.Min(block.Length, entry.ByteCount - at));
            source.Read(entry.Name, at, part);
            stream.Write(part);
        }
    }
}
