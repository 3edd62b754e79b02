namespace FastCpt.Engine.Config;

/// <summary>How an annotated sentence becomes words with labels; two public conversions of MASSIVE disagree.</summary>
public enum LabelMode
{
    /// <summary>B- and I-labels; single characters where a language writes no spaces.</summary>
    Bio,

    /// <summary>The words of <see cref="Bio"/> with bare slot types; neighbours of one type are one span.</summary>
    Official,

    /// <summary>As MASSIVE's own script does it: after a slot that ends in ASCII letters its label goes on, in ja-JP,
    /// zh-CN and zh-TW.</summary>
    OfficialCompat,

    /// <summary>B- and I-labels; words end at spaces of the annotated text in every language, which shows where slots
    /// are in those that write no spaces.</summary>
    Space,
}
