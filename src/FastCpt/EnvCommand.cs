using System.Collections;
using System.CommandLine;
using System.Runtime;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt;

/// <summary>`fastcpt env`: what the tool finds here, for bug reports and for whoever wonders about speed.</summary>
internal static class EnvCommand
{
    private static readonly string[] Variables =
    [
        "CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "NO_COLOR", "OMP_NUM_THREADS",
        "SLURM_JOB_ID", "SLURM_RESTART_COUNT",
    ];

    public static Command Create(CommonOptions options)
    {
        var verb = new Verb("env", "Shows the machine, the devices and the settings that the tool finds.")
        {
            Examples = ["fastcpt env", "fastcpt env --json"],
        };
        verb.SetAction(parse => options.Run(parse, terminal =>
        {
            JsonObject facts = Facts();
            if (terminal.IsJson)
                terminal.Result(facts);
            else
                Write(terminal, facts);
        }));
        return verb;
    }

    private static JsonObject Facts()
    {
        var devices = new JsonObject();
        foreach (Backends.Availability backend in Backends.List())
            devices.Add(backend.Name, backend.Reason ?? InstructionSet(backend.Name));
        var variables = new JsonObject();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            string name = (string)entry.Key;
            if (name.StartsWith("FASTCPT_", StringComparison.Ordinal)
                || name.StartsWith("DOTNET_Enable", StringComparison.Ordinal) || Variables.Contains(name))
                variables.Add(name, (string?)entry.Value);
        }
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return new JsonObject
        {
            ["fastcpt"] = ToolVersion.Text,
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["system"] = RuntimeInformation.OSDescription,
            ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
            ["cores"] = Environment.ProcessorCount,
            ["memory_bytes"] = memory.TotalAvailableMemoryBytes,
            ["server_gc"] = GCSettings.IsServerGC,
            ["devices"] = devices,
            ["variables"] = variables,
            ["telemetry"] = "none; DO_NOT_TRACK has nothing to turn off",
        };
    }

    /// <summary>What the device computes with, or why it does not open.</summary>
    private static string InstructionSet(string device)
    {
        try
        {
            using Backend backend = Backends.Open(device, threads: 1);
            return $"usable: {backend.InstructionSet}" + (backend.Caveat is { } caveat ? $" ({caveat})" : "");
        }
        catch (DeviceException e)
        {
            return e.Message;
        }
    }

    private static void Write(Terminal terminal, JsonObject facts)
    {
        foreach (var (key, value) in facts)
        {
            if (value is not JsonObject map)
            {
                terminal.Result($"{key,-14} {value}");
                continue;
            }
            foreach (var (name, text) in map)
                terminal.Result($"{key,-14} {name}: {text}");
        }
    }
}
