using FastCpt.Engine.Files;
using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>The annotated sentences of a study: which locales, how much of them, how they are read.</summary>
public sealed record SlotDataConfig
{
    private const string LocaleMark = "{locale}", Packed = ".gz";

    /// <summary>Path of a locale's file, with {locale} in the place of its name.</summary>
    public string Files { get; init; } = "";

    public IReadOnlyList<string> Locales { get; init; } = [];
    public LabelMode Labels { get; init; }

    /// <summary>Tokens of a sentence, marks included; longer ones are cut.</summary>
    public int MaxLength { get; init; } = 512;

    /// <summary>The first so many rows of a partition; 0 takes all.</summary>
    public int TrainRows { get; init; }

    /// <inheritdoc cref="TrainRows"/>
    public int DevRows { get; init; }

    /// <inheritdoc cref="TrainRows"/>
    public int TestRows { get; init; }

    /// <summary>Path of a locale's file: as <see cref="Files"/> says, else the same gzip'd or unpacked.</summary>
    /// <exception cref="RunException">Exit 3: neither is there.</exception>
    public string FileOf(string locale)
    {
        string path = Files.Replace(LocaleMark, locale, StringComparison.Ordinal);
        string other = path.EndsWith(Packed, StringComparison.Ordinal) ? path[..^Packed.Length] : path + Packed;
        return File.Exists(path) ? path
            : File.Exists(other) ? other
            : throw new RunException(
                ExitCode.Config,
                $"{path}: there is no such file, nor {Path.GetFileName(other)}. The sentences of {locale} belong "
                + "there; data.files says where they are.");
    }

    internal static readonly Section<SlotDataConfig> Section = new Section<SlotDataConfig>(new SlotDataConfig())
        .Add("files", FilePath, c => c.Files, (c, v) => c with { Files = v },
            "Path of a locale's file, with {locale} in the place of its name; .jsonl or .jsonl.gz, whichever is there.",
            isRequired: true)
        .Add("locales", List(ConfigTypes.Name), c => c.Locales, (c, v) => c with { Locales = v },
            "What is learned and tested; the order called `given`.", isRequired: true)
        .Add("labels", Choice<LabelMode>(), c => c.Labels, (c, v) => c with { Labels = v },
            "bio: B and I labels. official: MASSIVE's own type labels, official_compat with its defect in three "
            + "locales. space: B and I over the pieces between spaces, where gold boundaries leak.")
        .Add("max_length", Int(4, 1 << 15), c => c.MaxLength, (c, v) => c with { MaxLength = v },
            "Tokens of a sentence at most, marks included; words beyond count as predicted outside.")
        .Add("train_rows", Int(0), c => c.TrainRows, (c, v) => c with { TrainRows = v },
            "Training sentences of each locale, from the first; 0: all.")
        .Add("dev_rows", Int(0), c => c.DevRows, (c, v) => c with { DevRows = v },
            "Sentences of each locale that choose the best epoch; 0: all.")
        .Add("test_rows", Int(0), c => c.TestRows, (c, v) => c with { TestRows = v },
            "Sentences of each locale that scores are made of; 0: all.")
        .Check(c => !c.Files.Contains(LocaleMark, StringComparison.Ordinal)
                ? ("files", $"the path has no {LocaleMark} in it, so every locale would have the same sentences.")
            : c.Locales.Count == 0 || c.Locales.Distinct().Count() < c.Locales.Count
                ? ("locales", "the list is empty or names a locale twice.")
            : null);
}
