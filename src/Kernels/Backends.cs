using FastCpt.Kernels.Cpu;
using FastCpt.Kernels.Reference;

namespace FastCpt.Kernels;

/// <summary>The backends that exist, in order of preference, each usable here or with the reason why not.</summary>
public static class Backends
{
    /// <summary>Name of a backend and why it cannot be used; null where it can.</summary>
    public readonly record struct Availability(string Name, string? Reason);

    public static IReadOnlyList<Availability> List() => [new("cpu", null), new("reference", null)];

    /// <summary>Opens a backend by name; "auto" takes the first that is meant for training.</summary>
    /// <param name="threads">Workers; 0 takes FASTCPT_THREADS, else every core.</param>
    /// <exception cref="DeviceException">There is no such backend, or it cannot be used here.</exception>
    public static Backend Open(string name, int threads = 0) => name switch
    {
        "cpu" or "auto" => new CpuBackend(threads),
        "reference" => new ReferenceBackend(),
        _ => throw new DeviceException(
            $"There is no device '{name}'. Usable: {string.Join(", ", List().Select(backend => backend.Name))}."),
    };
}
