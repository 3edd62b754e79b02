using System.Globalization;
using FastCpt.Engine;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;
using AdamW = FastCpt.Engine.Training.AdamW;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Bits of the losses of tiny runs per instruction set, and the table of them that is committed.</summary>
/// <remarks>
/// They are our own and only guard against change. `dotnet run -c Release --project tests -- golden-losses` writes
/// the table again for every instruction set of the machine; those that it lacks keep their lines.
/// </remarks>
internal static class GoldenLosses
{
    public const string Command = "golden-losses";

    private const int Steps = 8, Rows = 150, Vocabulary = 211;

    private static readonly int[] Bounds = [0, 60, 60, 67, 67, 150];

    private static readonly string FilePath =
        Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "losses.tsv");

    public static IReadOnlyList<string> InstructionSets { get; } =
        [.. Enum.GetValues<SimdLevel>().Select(SimdLevels.NameOf)];

    public static IReadOnlyList<string> Cases { get; } =
    [
        .. from architecture in new[] { Architecture.Gemma3, Architecture.Llama }
           from precision in new[] { Precision.Fp32, Precision.Bf16 }
           from alignment in new[] { "freeze", "l2sp" }
           select $"{architecture}-{precision}-{alignment}".ToLowerInvariant(),
    ];

    /// <summary>Whether this machine, as far as the runtime lets it be used, has an instruction set.</summary>
    public static bool IsUsable(string instructionSet) =>
        InstructionSets.ToList().IndexOf(instructionSet) <= (int)SimdLevels.Best;

    /// <summary>The committed bits by instruction set and case, in hexadecimal, a number a step.</summary>
    public static IReadOnlyDictionary<(string InstructionSet, string Case), string> Read() =>
        File.ReadAllLines(FilePath)
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split('\t'))
            .ToDictionary(parts => (parts[0], parts[1]), parts => parts[2]);

    /// <summary>Writes the table: the child process of the command that is named above.</summary>
    public static int Regenerate()
    {
        var table = File.Exists(FilePath) ? new Dictionary<(string, string), string>(Read()) : [];
        foreach (string instructionSet in InstructionSets)
        {
            if (!IsUsable(instructionSet))
            {
                Console.WriteLine($"{instructionSet}: this machine lacks it; its lines stay as they are.");
                continue;
            }

            int changed = 0;
            foreach (string name in Cases)
            {
                string bits = Run(instructionSet, name);
                changed += table.GetValueOrDefault((instructionSet, name)) == bits ? 0 : 1;
                table[(instructionSet, name)] = bits;
            }

            Console.WriteLine($"{instructionSet}: {changed} of {Cases.Count} changed.");
        }

        var lines = new List<string>
        {
            $"# Ours: bits of the losses of {Steps} steps; dotnet run -c Release --project tests -- {Command}",
        };
        lines.AddRange(
            from instructionSet in InstructionSets
            from name in Cases
            where table.ContainsKey((instructionSet, name))
            select $"{instructionSet}\t{name}\t{table[(instructionSet, name)]}");
        File.WriteAllText(FilePath, string.Join('\n', lines) + "\n");
        return 0;
    }

    /// <summary>Trains a case and gives the bits of its losses.</summary>
    public static string Run(string instructionSet, string name, int threads = 2)
    {
        string[] parts = name.Split('-');
        var precision = Enum.Parse<Precision>(parts[1], ignoreCase: true);
        DecoderConfig config = TinyModels.Config(Enum.Parse<Architecture>(parts[0], ignoreCase: true), layers: 6) with
        {
            Width = 48, HeadSize = 16, InnerWidth = 72, VocabularySize = Vocabulary, Window = 37,
        };
        using Backend backend = new CpuBackend(threads, instructionSet);
        using CausalModel model = ModelFactory.Create(
            config, backend, Precisions.ActivationType(precision), positions: Rows);
        foreach (Parameter parameter in model.Parameters.All)
            TestTensors.Write(backend, Start(parameter), parameter.Value);

        LayerGroups groups = LayerGroups.Of(6, 2, 1);
        var freeze = new FreezeLayers(
            parts[2] == "freeze" ? new FreezeConfig { Groups = [LayerGroup.Middle] } : null, groups);
        var pull = new L2Sp(new L2SpConfig(), groups);
        model.Parameters.Train(parameter => !freeze.IsFrozen(parameter.Name));
        using DeviceBuffer memory = backend.Allocate(model.Parameters.All.Sum(p => AlignedBytes(p.Value)));
        Dictionary<string, Tensor> anchor = Copies(model, memory);
        using var optimizer = new AdamW(
            model.Parameters, new AdamWSettings(),
            parameter => parts[2] == "l2sp" ? pull.PullOn(parameter, start => anchor[start]) : default);
        return string.Join(' ', Losses(model, optimizer).Select(
            loss => BitConverter.DoubleToUInt64Bits(loss).ToString("x16", CultureInfo.InvariantCulture)));
    }

    /// <summary>Two micro-batches a step of three documents each; a seventh of the rows has no target.</summary>
    private static List<double> Losses(CausalModel model, AdamW optimizer)
    {
        var losses = new List<double>();
        var schedule = new Schedule(ScheduleKind.Cosine, Peak: 5e-3, Minimum: 0, WarmupSteps: 2, TotalSteps: Steps);
        using var tape = new Tape(model.Backend);
        using var rows = new TokenLosses(model.Backend, Rows);
        int[] positions = [.. Enumerable.Range(0, 60), .. Enumerable.Range(0, 7), .. Enumerable.Range(0, 83)];
        for (int step = 0; step < Steps; step++)
        {
            model.Parameters.ClearGradients();
            double sum = 0;
            int predicted = 0;
            for (int micro = 0; micro < 2; micro++)
            {
                int seed = 2 * step + micro;
                int[] ids = [.. Enumerable.Range(0, Rows).Select(i => (i * 53 + seed * 17) % Vocabulary)];
                int[] targets = [.. ids.Select((id, i) => i % 7 == 0 ? -1 : (id * 2 + 1) % Vocabulary)];
                predicted = 2 * targets.Count(target => target >= 0);
                tape.BeginTraining(recompute: false);
                ModelInputs inputs = ModelInputs.Upload(tape, ids, positions, Bounds, targets);
                model.Losses(tape, inputs, 1f / predicted, rows.For(Rows));
                tape.Backward();
                sum += rows.Sum(Rows);
            }

            optimizer.Update(optimizer.GradientNorm(), schedule.At(step), step + 1);
            losses.Add(sum / predicted);
        }

        return losses;
    }

    /// <summary>Numbers that need no mathematical function, so that no library decides their bits.</summary>
    private static double[] Start(Parameter parameter)
    {
        uint state = parameter.Name.Aggregate(2166136261u, (hash, letter) => (hash ^ letter) * 16777619u);
        var values = new double[parameter.Value.Length];
        double center = parameter.Value.Shape.Rank == 1 ? 0.75 : 0;
        for (int i = 0; i < values.Length; i++)
        {
            state = state * 1664525u + 1013904223u;
            values[i] = center + ((state >> 16) - 32768.0) / 131072;
        }

        return values;
    }

    private static Dictionary<string, Tensor> Copies(CausalModel model, DeviceBuffer memory)
    {
        var copies = new Dictionary<string, Tensor>();
        long offset = 0;
        foreach (Parameter parameter in model.Parameters.All)
        {
            Tensor copy = memory.At(offset, parameter.Value.Type, parameter.Value.Shape);
            model.Backend.Convert(parameter.Value, copy);
            copies.Add(parameter.Name, copy);
            offset += AlignedBytes(parameter.Value);
        }

        return copies;
    }

    private static long AlignedBytes(Tensor tensor) => (tensor.Bytes + 255) / 256 * 256;
}
