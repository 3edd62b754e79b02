using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Finds out what kind of tokenizer a file or a model's folder holds, and reads it.</summary>
internal static class TokenizerFile
{
    public const int MaxBytes = 64 << 20;

    private static readonly string[] FolderNames =
        ["tokenizer.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "vocab.bpe", "merges.txt"];

    /// <summary>What is read beside them.</summary>
    private static readonly string[] OtherNames =
        ["encoder.json", "vocab.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
            TrimmedVocabulary.FileName];

    /// <summary>Whether a file of a model's folder is part of its tokenizer, by its name.</summary>
    public static bool IsPart(string name) =>
        FolderNames.Contains(name) || OtherNames.Contains(name) || Path.GetExtension(name) == ".tiktoken";

    /// <summary>The files of a tokenizer, each under a name by which a model's folder is searched.</summary>
    /// <param name="path">Folder or file.</param>
    public static IEnumerable<(string Path, string Name)> PartsOf(string path)
    {
        bool isFolder = Directory.Exists(path);
        string folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;   // a file is in a folder
        string own = Path.GetFileName(path);
        if (!isFolder)
            yield return (path, IsPart(own) ? own : Path.GetExtension(own) switch
            {
                ".json" => "tokenizer.json",
                ".model" => "tokenizer.model",
                _ => own,
            });
        foreach (string file in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
            if (Path.GetFileName(file) is var name && name != own
                && (isFolder ? IsPart(name) : OtherNames.Contains(name) || name == PartnerOf(own)))
                yield return (file, name);
    }

    public static Tokenizer Load(string path)
    {
        string file = Directory.Exists(path) ? FindInFolder(path) : path;
        Tokenizer tokenizer = Read(file);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;     // not null: a file is in a folder
        SpecialTokenRoles.Apply(tokenizer, folder);
        string map = Path.Combine(folder, TrimmedVocabulary.FileName);
        return File.Exists(map)
            ? new TrimmedTokenizer(tokenizer, TrimmedVocabulary.Load(map, tokenizer))
            : tokenizer;
    }

    private static Tokenizer Read(string file)
    {
        string name = Path.GetFileName(file);
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".json" when name is "encoder.json" or "vocab.json" => Gpt2Files.Load(
                file, MergesBeside(file, name == "encoder.json" ? "vocab.bpe" : "merges.txt")),
            ".json" => TokenizerJson.Load(file),
            ".model" => SentencePieceTokenizer.Load(file, IsXlmRoberta(file)),
            ".tiktoken" => TiktokenFile.Load(file),
            ".bin" => Llama2cTokenizer.Read(
                InputFile.ReadAllBytes(file, ExitCode.ModelFile, MaxBytes), file),
            ".bpe" => Gpt2Files.Load(MergesBeside(file, "encoder.json"), file),
            ".txt" when name == "merges.txt" => Gpt2Files.Load(MergesBeside(file, "vocab.json"), file),
            _ => throw new RunException(ExitCode.ModelFile,
                $"{file}: not a tokenizer file that is known by its name; expected tokenizer.json, a .model, " +
                "a .tiktoken, vocab.bpe, merges.txt or a llama2.c .bin."),
        };
    }

    /// <summary>Whether the files beside a .model say that it is XLM-R's, whose ids differ from the pieces'.</summary>
    private static bool IsXlmRoberta(string file)
    {
        string folder = Path.GetDirectoryName(file) ?? "";
        return Says("config.json", "model_type", "xlm-roberta")
            || Says("tokenizer_config.json", "tokenizer_class", "XLMRobertaTokenizer")
            || Says("tokenizer_config.json", "tokenizer_class", "XLMRobertaTokenizerFast");

        bool Says(string name, string key, string value)
        {
            string path = Path.Combine(folder, name);
            if (!File.Exists(path))
                return false;
            using var document = StrictJson.Load(path, ExitCode.ModelFile);
            JsonPlace found = new JsonPlace(document.RootElement, path, "")[key];
            return !found.IsNull && found.Text == value;
        }
    }

    private static string FindInFolder(string folder)
    {
        foreach (string name in FolderNames)
            if (File.Exists(Path.Combine(folder, name)))
                return Path.Combine(folder, name);
        string[] ranks = Directory.GetFiles(folder, "*.tiktoken");
        return ranks.Length switch
        {
            1 => ranks[0],
            0 => throw new RunException(ExitCode.ModelFile,
                $"{folder}: no tokenizer here; expected one of {string.Join(", ", FolderNames)}, *.tiktoken."),
            _ => throw new RunException(ExitCode.ModelFile,
                $"{folder}: {ranks.Length} .tiktoken files, expected one. Name the file."),
        };
    }

    /// <summary>The merges that belong to a file of ids.</summary>
    private static string? PartnerOf(string name) => name switch
    {
        "encoder.json" => "vocab.bpe",
        "vocab.json" => "merges.txt",
        _ => null,
    };

    private static string MergesBeside(string file, string name) =>
        Path.Combine(Path.GetDirectoryName(file) ?? "", name);
}
