using static System.FormattableString;

namespace FastCpt.Bench.Racing;

/// <summary>A way in which the peer does the work.</summary>
/// <param name="Name">In tables.</param>
/// <param name="Arguments">{dir} stands for a folder.</param>
internal sealed record PeerMode(string Name, string Arguments);

/// <summary>The same work in both programs.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Title">In tables.</param>
/// <param name="Group">Selects all cases of it.</param>
/// <param name="Ours">Arguments of this program, which prints one <see cref="CaseReport"/>.</param>
/// <param name="Modes">The fastest one races.</param>
/// <param name="What">How the peer's key "what" begins where it prints several lines, else empty.</param>
/// <param name="Steps">Runs that a process takes the median of.</param>
internal sealed record RaceCase(
    string Name, string Title, string Group, string Ours, PeerMode[] Modes, string What = "", int Steps = 5)
{
    public static IReadOnlyList<RaceCase> All { get; } =
    [
        .. OfSize("15m", "Llama 15M, 8 x 256", 9), .. OfSize("110m", "Llama 110M, 4 x 512", 3),
        .. Adapters("qv", "q and v"), .. Adapters("all", "all linears"), .. Encoder(real: false),
        .. Encoder(real: true),
        Update("update", "clip, AdamW, L2-SP, 100M numbers, F32 anchor", "", "autograd"),
        Update("update-bf16-anchor", "the same, BF16 anchor", "anchor=bf16", "autograd"),
        Update("update-bf16-copy", "the same, BF16 anchor and working copy", "bf16 anchor=bf16", "autograd"),
        Update("update-by-hand", "F32 anchor, beside a pull by foreach", "", "foreach"),
        Merge("soup", "soup of 5 x 400 MB, in memory", "memory soup", "merge", "soup5"),
        Merge("interpolation", "interpolation, in memory", "memory interpolation", "merge", "interp"),
        Merge("soup-files", "soup of 5, files", "files soup dir={dir}", "mergefile --dir {dir}", "file soup5"),
        Merge("soup-rehash", "soup of 5, files whose hashes are not known", "rehash soup dir={dir}",
            "mergefile --dir {dir}", "file soup5"),
        Merge("interpolation-files", "interpolation, files", "files interpolation dir={dir}", "mergefile --dir {dir}",
            "file interp"),
    ];

    private static IEnumerable<RaceCase> OfSize(string size, string title, int steps)
    {
        yield return new RaceCase(size, $"{title}, fp32", "steps", $"steps {size}", Decoder(size, ""), Steps: steps);
        yield return new RaceCase(
            $"{size}-bf16", $"{title}, BF16", "steps", $"steps {size} bf16", Decoder(size, " --bf16"), Steps: steps);
    }

    /// <summary>LoRA of rank 32 on the 110M shape.</summary>
    private static IEnumerable<RaceCase> Adapters(string on, string title)
    {
        yield return Of("", "fp32", "", "");
        yield return Of("-bf16", "BF16", " bf16", " --bf16");

        RaceCase Of(string suffix, string type, string ours, string peer) => new(
            $"110m-lora-{on}{suffix}", $"Llama 110M, LoRA 32 on {title}, {type}", "adapters",
            $"steps 110m{ours} lora=32 on={on}", Decoder("110m", $"{peer} --lora 32 --lora-on {on}"), Steps: 3);
    }

    /// <summary>LoRA of rank 32 on all linears of XLM-R's base shape, 32 sentences.</summary>
    /// <remarks>The peer adapts what its program adapts; its sentences are all as long as the longest.</remarks>
    private static IEnumerable<RaceCase> Encoder(bool real)
    {
        const int Sentences = 32, Length = 64;
        int padded = real ? SentenceLengths.PaddedLength(Sentences) : Length;
        string shape = Invariant($"--batch {Sentences} --seq {padded}"), name = real ? "xlmr-real" : "xlmr";
        string title = real
            ? Invariant($"{Sentences} real sentences, the peer's padded to {padded}")
            : Invariant($"{Sentences} x {Length}");
        yield return Of("", "fp32", "", "");
        yield return Of("-bf16", "BF16", " bf16", " --bf16");

        RaceCase Of(string suffix, string type, string ours, string peer) => new(
            name + suffix, $"XLM-R base, LoRA 32 on all linears, {title}, {type}", "encoder",
            $"steps xlmr{ours} on=all{(real ? " real" : "")}",
            [
                .. from attention in new[] { "sdpa", "manual" }
                   select new PeerMode(
                       $"{(peer.Length > 0 ? "BF16 autocast" : "fp32")}, {attention} attention, fused AdamW",
                       $"xlmr --mode lora --lora 32 --lora-on all --opt fused {shape}{peer} --attn {attention}"),
            ],
            Steps: real ? SentenceLengths.BatchCount : 3);
    }

    private static PeerMode[] Decoder(string size, string options) =>
    [
        .. from attention in new[] { "sdpa", "manual" }
           let type = options.Contains("--bf16", StringComparison.Ordinal) ? "BF16 autocast" : "fp32"
           select new PeerMode(
               $"{type}, {attention} attention, fused AdamW",
               $"decoder --opt fused --size {size}{options} --attn {attention}"),
    ];

    private static RaceCase Update(string name, string title, string ours, string style) => new(
        name, title, "updates", $"update {ours}",
        [new PeerMode($"{style} penalty, fused AdamW", $"l2sp --opt fused --l2sp-style {style}")], Steps: 9);

    private static RaceCase Merge(string name, string title, string ours, string peer, string what) =>
        new(name, title, "merges", $"merges {ours}", [new PeerMode("", peer)], what);
}
