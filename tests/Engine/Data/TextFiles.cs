using System.IO.Compression;
using System.Text;
using FastCpt.Engine.Data;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>Writes text files for the tests of this folder and reads documents back.</summary>
internal static class TextFiles
{
    public static string Write(this TestFolder folder, string name, string text) =>
        folder.Write(name, Encoding.UTF8.GetBytes(text));

    public static string Write(this TestFolder folder, string name, byte[] bytes)
    {
        File.WriteAllBytes(folder.At(name), bytes);
        return folder.At(name);
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(bytes);
        return memory.ToArray();
    }

    public static byte[] Gzip(string text) => Gzip(Encoding.UTF8.GetBytes(text));

    /// <summary>Documents as "id:text", or the text alone where there is no id.</summary>
    public static List<string> Documents(string path, BadLines? badLines = null)
    {
        using var reader = new DocumentReader(path, badLines ?? new BadLines(0));
        var documents = new List<string>();
        while (reader.Read())
            documents.Add((reader.Id is null ? "" : reader.Id + ":") + Encoding.UTF8.GetString(reader.Text));
        return documents;
    }

    /// <summary>A JSONL file of numbered documents without ids, of different lengths.</summary>
    public static string WriteNumbered(this TestFolder folder, string name, int count, string word = "word") =>
        folder.Write(name, string.Concat(Enumerable.Range(0, count).Select(i =>
            $$"""{"text":"{{word}} {{i}} {{new string('x', i * 7 % 40)}}"}""" + "\n")));

    /// <summary>Tokenizes a language into a shard of the folder and opens it.</summary>
    public static TokenShard Shard(
        this TestFolder folder, LanguageText language, Tokenizer? tokenizer = null, int maxDocumentTokens = 2048)
    {
        tokenizer ??= new ByteTokenizer();
        string path = folder.At($"{language.Code}.tokens");
        new CorpusTokenizer(language, tokenizer, maxDocumentTokens).Write(path);
        return TokenShard.Open(path, tokenizer);
    }

    /// <summary>A shard of one text per document, all on the training side.</summary>
    public static TokenShard Shard(
        this TestFolder folder, IEnumerable<string> texts, string code = "xx", Tokenizer? tokenizer = null,
        int maxDocumentTokens = 2048)
    {
        IEnumerable<string> lines = texts.Select(text => $$"""{"text":"{{text}}"}""" + "\n");
        string path = folder.Write($"{code}.jsonl", string.Concat(lines));
        return folder.Shard(new LanguageText(code, [path]) { ValidationShare = 0 }, tokenizer, maxDocumentTokens);
    }

    /// <summary>The tokens of a document.</summary>
    public static int[] Tokens(this TokenShard shard, DocumentTokens document)
    {
        var tokens = new int[document.Count];
        shard.Read(document.Start, tokens);
        return tokens;
    }
}
