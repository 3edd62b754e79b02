using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times a soup of five and an interpolation: in memory, and from files in the page cache to a synced file.
/// </summary>
/// <remarks>In memory as a share of a copy's bandwidth, each pass beside a copy of its own; bytes count every read and
/// every write once. The median of the ratios is what to look at on a shared machine.</remarks>
internal static class MergeTimes
{
    private const int Experts = 5, Runs = 15, FileRuns = 5;
    private const long Length = 32 << 20;
    private const int Rows = 32_000, Cols = 768, Layers = 4;

    public static int Run(string? folder)
    {
        InMemory();
        string models = folder ?? Directory.CreateTempSubdirectory("fastcpt-merges-").FullName;
        try
        {
            Files(models);
        }
        finally
        {
            if (folder is null)
                Directory.Delete(models, recursive: true);
        }

        return 0;
    }

    private static void InMemory()
    {
        using Backend backend = Backends.Open("cpu");
        using Arena arena = new(backend);
        Tensor[] t = [.. Enumerable.Range(0, Experts + 1).Select(_ => arena.Take(DType.F32, new Shape(Length)))];
        foreach (Tensor tensor in t)
            backend.Fill(0.01, tensor);
        double[] fifths = [0.2, 0.2, 0.2, 0.2, 0.2], shares = [0.7, 0.3];
        var (soup, interpolation) = (new double[Runs], new double[Runs]);
        for (int run = 0; run < Runs; run++)
        {
            double copy = backend.MeasureCopyBytes();
            soup[run] = Rate(6, () => backend.WeightedSum(t.AsSpan(0, Experts), fifths, t[Experts])) / copy;
            copy = backend.MeasureCopyBytes();
            interpolation[run] = Rate(3, () => backend.WeightedSum(t.AsSpan(0, 2), shares, t[Experts])) / copy;
        }

        Say($"in memory, {Length >> 20} Mi numbers of F32, {backend.Threads} threads, share of a copy's bandwidth:");
        Say($"  soup of 5      median {Median(soup):P0}, best {soup.Max():P0}");
        Say($"  interpolation  median {Median(interpolation):P0}, best {interpolation.Max():P0}");
    }

    private static double Rate(int tensors, Action pass) => tensors * sizeof(float) * Length / Seconds(pass);

    private static void Files(string folder)
    {
        MergeInput[] experts = [.. Enumerable.Range(0, Experts).Select(i => Model(folder, $"expert{i}", i))];
        string file = Path.Combine(experts[0].Folder, "model.safetensors");
        foreach (MergeInput expert in experts)
            FileHash.Of(Path.Combine(expert.Folder, "model.safetensors"));
        Say($"{Experts} files of {new FileInfo(file).Length / 1e6:F0} MB in the page cache, with fsync, seconds:");
        var (soup, interpolation, hash) = (new double[FileRuns], new double[FileRuns], new double[FileRuns]);
        var output = new MergeOutput(Path.Combine(folder, "merged"), Replace: true);
        for (int run = 0; run < FileRuns; run++)
        {
            soup[run] = Seconds(() => Soup.Run(experts, output));
            interpolation[run] =
                Seconds(() => Interpolate.Run(experts[0], experts[1], LayerSelection.All, 0.3, output));
            hash[run] = Seconds(() => FileHash.Of(file));
        }

        Directory.Delete(output.Folder, recursive: true);
        Say($"  soup of 5      median {Median(soup):F3}, best {soup.Min():F3}");
        Say($"  interpolation  median {Median(interpolation):F3}, best {interpolation.Min():F3}");
        Say($"  SHA-256 of one file on one thread: median {Median(hash):F3}, best {hash.Min():F3}");
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

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
