using FastCpt.Engine.Files;

namespace FastCpt.Engine.Data;

/// <summary>Training text as bytes, for what is made before there is a tokenizer.</summary>
public static class CorpusText
{
    /// <summary>Bytes of all training documents of a language; nothing of them is kept.</summary>
    /// <exception cref="RunException">Exit 3: the text is refused. Exit 130, 143: stopped.</exception>
    public static long TrainingBytes(LanguageText language, StopSignal? stop = null)
    {
        CorpusScan scan = CorpusScan.Of(language, stop);
        long bytes = 0;
        for (int document = 0; document < scan.Count; document++)
            bytes += scan.Sides[document] == Side.Training ? scan.ByteCounts[document] : 0;
        return bytes;
    }

    /// <summary>Training documents of a language, in order of their keys, until their bytes reach an amount.</summary>
    /// <remarks>
    /// The last one is cut at the end of a character, so that languages asked for the same amount give the same, up to
    /// three bytes. The language's own budget is not read: this text does not depend on it.
    /// </remarks>
    /// <returns>Documents in file order, read as they are asked for; fewer bytes where there are no more.</returns>
    /// <exception cref="RunException">Exit 3: the text is refused. Exit 130, 143: stopped.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Training(
        LanguageText language, long maxBytes, StopSignal? stop = null)
    {
        CorpusScan scan = CorpusScan.Of(language, stop);
        int[] wanted = WantedBytes(scan, maxBytes);
        var badLines = new BadLines(language.MaxBadLines);
        int document = 0;
        foreach (string file in language.Files)
        {
            using var reader = new DocumentReader(file, badLines, language.TextField);
            for (; reader.Read(); document++)
            {
                stop?.ThrowIfStopRequested("reading text");
                scan.Check(document, file, language.Seed, reader);
                if (wanted[document] > 0)
                    yield return reader.Text[..CharacterEnd(reader.Text, wanted[document])].ToArray();
            }
        }
    }

    /// <returns>By document, how many of its bytes are taken.</returns>
    private static int[] WantedBytes(CorpusScan scan, long maxBytes)
    {
        var wanted = new int[scan.Count];
        foreach (int document in scan.Order())
        {
            if (scan.Sides[document] != Side.Training)
                continue;
            wanted[document] = (int)Math.Min(maxBytes, scan.ByteCounts[document]);
            maxBytes -= wanted[document];
        }

        return wanted;
    }

    /// <summary>The last end of a character at or before an offset.</summary>
    private static int CharacterEnd(ReadOnlySpan<byte> utf8, int offset)
    {
        while (offset < utf8.Length && (utf8[offset] & 0xC0) == 0x80)
            offset--;
        return offset;
    }
}
