using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>The lists that kernel tests run over.</summary>
public static class Cases
{
    /// <summary>Every backend that exists, usable or not: the test says which one it cannot use, and why.</summary>
    public static IEnumerable<string> AllBackends => FastCpt.Kernels.Backends.List().Select(backend => backend.Name);

    /// <summary>Every backend with every combination of types.</summary>
    public static IEnumerable<object[]> BackendsAndTypes =>
        from backend in AllBackends
        from types in Types.Computed
        select new object[] { backend, types };

    /// <summary>Every backend, where activations alone have a type.</summary>
    public static IEnumerable<object[]> BackendsAndActivations =>
        from backend in AllBackends
        from types in new[] { Types.Single, Types.Brain }
        select new object[] { backend, types };

    /// <summary>Rows and columns that bite: none, one, around vector widths, several tiles with ragged ends.</summary>
    internal static IReadOnlyList<(int Rows, int Cols)> Rows =>
    [
        (0, 16), (1, 1), (1, 7), (2, 15), (3, 16), (5, 17), (16, 31), (7, 33), (17, 64), (33, 100), (70, 257),
    ];

    /// <summary>Opens a backend, or ignores the test with the reason why it cannot be used here.</summary>
    internal static Backend Open(string name, int threads = 0)
    {
        string? reason = FastCpt.Kernels.Backends.List().Single(backend => backend.Name == name).Reason;
        if (reason is not null)
            Assert.Ignore($"Backend '{name}' cannot be used here: {reason}");
        return FastCpt.Kernels.Backends.Open(name, threads);
    }
}
