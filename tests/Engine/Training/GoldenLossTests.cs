namespace FastCpt.Tests.Engine.Training;

/// <summary>A change of kernels that moves bits shows here; one that should says golden.</summary>
internal sealed class GoldenLossTests
{
    [Test]
    public void GoldenLosses_AreThoseOfTheInstructionSet(
        [ValueSource(typeof(GoldenLosses), nameof(GoldenLosses.InstructionSets))] string instructionSet,
        [ValueSource(typeof(GoldenLosses), nameof(GoldenLosses.Cases))] string name)
    {
        if (!GoldenLosses.IsUsable(instructionSet))
            Assert.Ignore($"This machine, or what the runtime lets it use, lacks {instructionSet}.");
        Assert.That(
            GoldenLosses.Read().TryGetValue((instructionSet, name), out string? expected), Is.True,
            $"tests/Golden/losses.tsv has no line for {instructionSet}, {name}. Write it with "
            + $"`dotnet run -c Release --project tests -- {GoldenLosses.Command}`.");
        Assert.That(GoldenLosses.Run(instructionSet, name), Is.EqualTo(expected));
    }

    /// <summary>A table of nonsense would pass the comparison as well.</summary>
    [Test]
    public void GoldenLosses_BeginNearTheUniformOneAndFall()
    {
        foreach (string line in GoldenLosses.Read().Values)
        {
            double[] losses =
                [.. line.Split(' ').Select(hex => BitConverter.UInt64BitsToDouble(Convert.ToUInt64(hex, 16)))];
            Assert.That(losses, Is.Unique.And.Length.EqualTo(8));
            Assert.That(losses[0] / Math.Log(211), Is.InRange(1.0, 1.5));
            Assert.That(losses[^1], Is.LessThan(0.95 * losses[0]));
        }
    }
}
