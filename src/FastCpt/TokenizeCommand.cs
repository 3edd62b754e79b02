using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt;

/// <summary>`fastcpt tokenize`: makes tokenizers, and shows what they make of text.</summary>
internal static class TokenizeCommand
{
    public static Command Create(CommonOptions options) =>
        new Verb("tokenize", "Trains a tokenizer, or turns text into ids.")
        {
            Train(options),
            Encode(options),
        };

    private static Verb Train(CommonOptions options)
    {
        Argument<string[]> files = Files("Text, a file a language: .jsonl or .txt, each also as .gz.");
        var size = new Option<int>("--vocabulary-size")
        {
            Description = "Pieces, the 256 bytes and the special tokens (<pad>, <eos>, <bos>) included.",
            Required = true,
        };
        var bytes = new Option<long>("--bytes-per-file")
        {
            Description = "Training text that is taken of each file, in bytes; by default what the smallest has.",
        };
        var share = new Option<double>("--validation-share")
        {
            Description = "Share of the documents that is kept for validation and not used: the study's or run's.",
            DefaultValueFactory = _ => Split.DefaultShare,
        };
        var seed = new Option<ulong>("--split-seed")
        {
            Description = "Chooses the documents that are kept for validation: the study's or run's.",
            DefaultValueFactory = _ => Split.DefaultSeed,
        };
        var balanced = new Option<bool>("--balanced-scripts")
        {
            Description = "Gives every script the same number of merges.",
        };
        var mask = new Option<bool>("--mask")
        {
            Description = "Adds the special token <mask>, which masked models need.",
        };
        var output = new Option<string>("--output", "-o") { Description = "The new folder.", Required = true };
        Option<string> field = TextField();
        var verb = new Verb("train", "Trains a byte-level BPE, equal bytes of every file.")
        {
            Examples =
            [
                "fastcpt tokenize train samples/en.jsonl.gz samples/ru.jsonl.gz --vocabulary-size 4096 -o tokenizer",
                "fastcpt tokenize train texts/*.txt --vocabulary-size 32000 --balanced-scripts -o tokenizer",
            ],
        };
        verb.Add(files);
        foreach (Option option in new Option[] { size, bytes, balanced, mask, share, seed, output, field })
            verb.Add(option);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            using var stop = new StopSignal();
            string folder = parse.GetRequiredValue(output);
            if (Directory.Exists(folder) || File.Exists(folder))
                throw new RunException(ExitCode.Config, $"{folder}: exists already. Choose another output folder.");
            if (parse.GetValue(share) is not (>= 0 and < 1))
                throw new RunException(
                    ExitCode.Usage, $"--validation-share {parse.GetValue(share)}: expected from 0 to less than 1.");
            LanguageText[] languages = [.. parse.GetRequiredValue(files).Select(file => new LanguageText(file, [file])
            {
                Seed = parse.GetValue(seed),
                ValidationShare = parse.GetValue(share),
                TextField = parse.GetRequiredValue(field),
            })];
            TrainedTokenizer trained = BpeTrainer.Train(
                Texts(languages, parse.GetValue(bytes), terminal, stop),
                new BpeTrainerOptions
                {
                    VocabularySize = parse.GetValue(size),
                    BalancedScripts = parse.GetValue(balanced),
                    SpecialTokens = parse.GetValue(mask)
                        ? BpeTrainerOptions.EndsAndMask
                        : BpeTrainerOptions.Ends,
                },
                stop);
            stop.ThrowIfStopRequested("tokenize train");
            Write(trained, folder);
            Report(trained, folder, terminal);
        }));
        return verb;
    }

    private static Verb Encode(CommonOptions options)
    {
        Argument<string[]> files = Files("Text: .jsonl or .txt, each also as .gz.");
        var tokenizer = new Option<string>("--tokenizer")
        {
            Description = "A tokenizer's file, or a folder with one.",
            Required = true,
        };
        var count = new Option<bool>("--count") { Description = "Writes the number of tokens of each file only." };
        Option<string> field = TextField();
        var verb = new Verb("encode", "Writes the ids of every document on a line; with --json as a JSON object.")
        {
            Examples =
            [
                "fastcpt tokenize encode --tokenizer tokenizer samples/en.jsonl.gz",
                "fastcpt tokenize encode --tokenizer tokenizer samples/en.jsonl.gz samples/ru.jsonl.gz --count",
            ],
        };
        verb.Add(files);
        verb.Add(tokenizer);
        verb.Add(count);
        verb.Add(field);
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            using var stop = new StopSignal();
            Tokenizer with = Tokenizer.Load(parse.GetRequiredValue(tokenizer));
            foreach (string file in parse.GetRequiredValue(files))
                Encode(with, file, parse.GetRequiredValue(field), parse.GetValue(count), terminal, stop);
        }));
        return verb;
    }

    /// <summary>Training text of every file, the same number of bytes of each, as a study's tokenizer has.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Texts(
        IReadOnlyList<LanguageText> languages, long bytesPerFile, Terminal terminal, StopSignal stop)
    {
        long wanted = bytesPerFile > 0
            ? bytesPerFile
            : languages.Min(language => CorpusText.TrainingBytes(language, stop));
        foreach (LanguageText language in languages)
        {
            long bytes = 0, documents = 0;
            foreach (ReadOnlyMemory<byte> text in CorpusText.Training(language, wanted, stop))
            {
                bytes += text.Length;
                documents++;
                yield return text;
            }

            terminal.Note($"{language.Code}: {bytes} bytes of {documents} documents");
        }
    }

    private static void Write(TrainedTokenizer trained, string folder)
    {
        Engine.Config.OutputFolder.Prepare(Path.GetDirectoryName(Path.GetFullPath(folder)) ?? folder);
        using var writer = new FolderWriter(folder);
        writer.Write("tokenizer.json", stream => stream.Write(trained.TokenizerJson));
        writer.Write("tokenizer_config.json", stream => stream.Write(trained.TokenizerConfig));
        writer.Complete();
    }

    private static void Report(TrainedTokenizer trained, string folder, Terminal terminal)
    {
        if (terminal.IsJson)
        {
            var merges = new JsonObject();
            foreach (var (script, number) in trained.MergesByScript)
                merges.Add(script, number);
            terminal.Result(new JsonObject
            {
                ["output"] = Path.GetFullPath(folder),
                ["vocabulary_size"] = trained.Tokenizer.VocabularySize,
                ["sha256"] = trained.Tokenizer.Sha256,
                ["merges_by_script"] = merges,
            });
            return;
        }
        terminal.Result($"{folder}: {trained.Tokenizer.VocabularySize} pieces, sha256 {trained.Tokenizer.Sha256}");
        foreach (var (script, number) in trained.MergesByScript)
            terminal.Result($"  {script}: {number} merges");
    }

    private static void Encode(
        Tokenizer tokenizer, string file, string field, bool isCountOnly, Terminal terminal, StopSignal stop)
    {
        long documents = 0, tokens = 0, bytes = 0;
        var ids = new List<int>();
        using var reader = new DocumentReader(file, new BadLines(0), field);
        while (reader.Read())
        {
            stop.ThrowIfStopRequested("tokenize encode");
            ids.Clear();
            tokenizer.Encode(reader.Text, ids);
            documents++;
            tokens += ids.Count;
            bytes += reader.Text.Length;
            if (!isCountOnly)
                Write(terminal, reader.Id, ids);
        }
        double bytesPerToken = tokens > 0 ? (double)bytes / tokens : 0;
        string summary = string.Create(CultureInfo.InvariantCulture,
            $"{file}: {documents} documents, {tokens} tokens, {bytes} bytes, {bytesPerToken:0.000} bytes a token");
        if (!isCountOnly)
            terminal.Note(summary);
        else if (terminal.IsJson)
            terminal.ResultLine(new JsonObject
            {
                ["file"] = file, ["documents"] = documents, ["tokens"] = tokens, ["bytes"] = bytes,
            });
        else
            terminal.Result(summary);
    }

    private static void Write(Terminal terminal, string? id, List<int> ids)
    {
        if (!terminal.IsJson)
            terminal.Result(string.Join(' ', ids));
        else
            terminal.ResultLine(new JsonObject
            {
                ["id"] = id,
                ["ids"] = new JsonArray([.. ids.Select(value => JsonValue.Create(value))]),
            });
    }

    private static Argument<string[]> Files(string description) =>
        new("files") { Description = description, Arity = ArgumentArity.OneOrMore };

    private static Option<string> TextField() => new("--text-field")
    {
        Description = "The key of a JSONL line that holds the text.",
        DefaultValueFactory = _ => "text",
    };
}
