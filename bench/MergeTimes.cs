using System.Runtime.InteropServices;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times a soup of five and an interpolation of 100 million numbers: in memory, and from files in the page
/// cache to a synced file.</summary>
/// <remarks>As a share of a copy's bandwidth, each run beside a copy of its own; bytes count every read and every write
/// once. The median of the shares is what to look at on a shared machine.</remarks>
internal static class MergeTimes
{
    private const int Experts = 5, Warmup = 2;
    private const long Length = 100_000_000;
    private const int Rows = 32_000, Cols = 768, Layers = 4;

    /// <param name="arguments">memory, files or rehash (files whose hashes are not remembered), for both otherwise;
    /// soup or interpolation; dir=FOLDER, which keeps the models; steps=N; threads=N.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        List<string> places = [], merges = [];
        string? folder = null;
        var options = new BenchOptions(steps: 7);
        foreach (string argument in arguments)
        {
            if (argument is "memory" or "files" or "rehash")
                places.Add(argument);
            else if (argument is "soup" or "interpolation")
                merges.Add(argument);
            else if (argument.StartsWith("dir=", StringComparison.Ordinal))
                folder = argument[4..];
            else if (!options.Take(argument))
                return BenchOptions.Refuse(
                    argument,
                    "merges [memory] [files] [rehash] [soup] [interpolation] [dir=FOLDER] [steps=N] [threads=N]");
        }

        using Backend backend = Backends.Open("cpu", options.Threads);
        foreach (string place in places.DefaultIfEmpty("memory").Concat(places.Count == 0 ? ["files", "rehash"] : []))
            foreach (string merge in merges.Count == 0 ? ["soup", "interpolation"] : merges)
                if (place == "memory")
                    InMemory(backend, merge, options.Steps);
                else
                    FromFiles(backend, merge, folder, place == "rehash", options.Steps);
        return 0;
    }

    private static void InMemory(Backend backend, string merge, int steps)
    {
        using Arena arena = new(backend);
        bool isSoup = merge == "soup";
        int inputs = isSoup ? Experts : 2;
        Tensor[] t = [.. Enumerable.Range(0, inputs + 1).Select(_ => arena.Take(DType.F32, new Shape(Length)))];
        foreach (Tensor tensor in t)
            backend.Fill(0.01, tensor);
        double[] weights = isSoup ? [0.2, 0.2, 0.2, 0.2, 0.2] : [0.7, 0.3];
        Measure(
            backend, $"{merge}, in memory", (inputs + 1) * sizeof(float) * Length, steps,
            () => backend.WeightedSum(t.AsSpan(0, inputs), weights, t[inputs]));
    }

    private static void FromFiles(Backend backend, string merge, string? folder, bool forget, int steps)
    {
        string models = folder ?? Directory.CreateTempSubdirectory("fastcpt-merges-").FullName;
        try
        {
            MergeInput[] experts = [.. Enumerable.Range(0, Experts).Select(i => Model(models, $"expert{i}", i))];
            string[] files = [.. experts.Select(expert => Path.Combine(expert.Folder, "model.safetensors"))];
            foreach (string file in files)
                FileHash.Of(file); // into the page cache
            string merged = Path.Combine(models, "merged"), memory = Path.Combine(models, "hashes.json");
            bool isSoup = merge == "soup";
            Measure(
                backend, $"{merge}, {(forget ? "files never seen" : "files")}",
                ((isSoup ? Experts : 2) + 1) * new FileInfo(files[0]).Length, steps, () =>
                {
                    var output = new MergeOutput(merged, Replace: true);
                    if (isSoup)
                        Soup.Run(experts, output);
                    else
                        Interpolate.Run(experts[0], experts[1], LayerSelection.All, 0.3, output);
                }, () =>
                {
                    if (forget)
                        File.Delete(memory);
                });
            Directory.Delete(merged, recursive: true);
        }
        finally
        {
            if (folder is null)
                Directory.Delete(models, recursive: true);
        }
    }

    private static void Measure(
        Backend backend, string name, long bytes, int steps, Action merge, Action? before = null)
    {
        var (seconds, shares) = (new List<double>(), new List<double>());
        long memory = 0;
        for (int run = 0; run < Warmup + steps; run++)
        {
            before?.Invoke();
            double time = CaseReport.Time(merge);
            memory = memory == 0 ? CaseReport.MemoryNow() : memory; // before the first copy, which takes some
            if (run < Warmup)
                continue;
            seconds.Add(time);
            shares.Add(bytes / time / backend.MeasureCopyBytes());
        }

        new CaseReport(name, seconds, CaseReport.Median(shares), "copy", memory).Print(backend);
    }

    /// <summary>A model folder, written where it is not there: 400 MB in the shapes of a decoder.</summary>
    private static MergeInput Model(string folder, string name, int seed)
    {
        string path = Path.Combine(folder, name);
        if (Directory.Exists(path))
            return new MergeInput(name, path);
        var entries = new List<TensorEntry> { new("embed", DType.F32, [Rows, Cols]) };
        for (int layer = 0; layer < 4 * Layers; layer++)
            entries.AddRange(new TensorEntry($"{layer}.up", DType.F32, [6 * Cols, Cols]),
                new TensorEntry($"{layer}.down", DType.F32, [Cols, 2 * Cols]),
                new TensorEntry($"{layer}.norm", DType.F32, [Cols]));
        var random = new Random(seed);
        using var writer = new FolderWriter(path);
        TensorFolderWriter.Write(writer, entries, (entry, stream) =>
        {
            var values = new float[entry.ElementCount];
            for (int i = 0; i < values.Length; i++)
                values[i] = (random.NextSingle() - 0.5f) * 0.1f;
            stream.Write(MemoryMarshal.AsBytes<float>(values));
        });
        writer.Write("config.json", stream => stream.Write("{\"model_type\": \"tiny\"}"u8));
        writer.Complete();
        return new MergeInput(name, path);
    }
}
