using System.Reflection;
using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.House;

/// <summary>One op, one word: everything that belongs to an op of the contract is found by its name.</summary>
public sealed class OpTests
{
    private const string Kernel = "Kernel", Backward = "Backward";

    /// <summary>Methods of the contract that a backend implements, without their suffix.</summary>
    private static IReadOnlyList<string> Methods { get; } =
    [
        .. typeof(Backend).GetMethods(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(method => method.IsAbstract && method.Name.EndsWith(Kernel, StringComparison.Ordinal))
            .Select(method => method.Name[..^Kernel.Length]),
    ];

    /// <summary>Ops; a backward pass belongs to its forward.</summary>
    public static IEnumerable<string> Ops => Methods.Select(
        name => name.EndsWith(Backward, StringComparison.Ordinal) ? name[..^Backward.Length] : name).Distinct();

    [Test]
    public void Contract_HasItsOps()
    {
        Assert.That(Ops.Count(), Is.GreaterThanOrEqualTo(20));
        Assert.That(Ops, Does.Contain("RmsNorm").And.Contain("LinearCrossEntropy").And.Contain("AdamW"));
    }

    [TestCaseSource(nameof(Ops))]
    public void Op_IsAPublicMethodOfTheContract(string op) =>
        Assert.That(typeof(Backend).GetMethod(op)?.DeclaringType, Is.EqualTo(typeof(Backend)));

    [TestCaseSource(nameof(Ops))]
    public void Op_HasAReference(string op) => AssertFile($"src/Kernels/Reference/{op}.cs", $" {op}{Kernel}(");

    [TestCaseSource(nameof(Ops))]
    public void Op_HasACpuImplementation(string op) => AssertFile($"src/Kernels/Cpu/{op}.cs", $" {op}{Kernel}(");

    [TestCaseSource(nameof(Ops))]
    public void Op_HasTests(string op) => AssertFile($"tests/Kernels/{op}Tests.cs", $"class {op}Tests");

    [TestCaseSource(nameof(Ops))]
    public void Op_HasABench(string op) => AssertFile($"bench/Kernels/{op}Bench.cs", $"class {op}Bench");

    [Test]
    public void Readme_ListsEveryOp() => Assert.That(
        Repository.Lines("README.md").SkipWhile(line => line != "## Ops").Where(line => line.StartsWith("| "))
            .SelectMany(row => row.Split('|')[1].Split(',', StringSplitOptions.TrimEntries)),
        Is.SupersetOf(Ops));

    [Test]
    public void Ops_AreAllHeldToThePromisesOfEveryOp()
    {
        Assert.That(OpCases.Ragged.Select(op => op.Name), Is.EquivalentTo(Methods));
        Assert.That(OpCases.Wide.Select(op => op.Name), Is.EquivalentTo(Methods));
    }

    private static void AssertFile(string file, string declaration)
    {
        Assert.That(Repository.Has(file), Is.True, $"{file} is missing.");
        Assert.That(Repository.Text(file), Does.Contain(declaration), file);
    }
}
