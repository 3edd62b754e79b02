using System.Globalization;

namespace FastCpt.Bench;

/// <summary>What timings of a process of their own have in common: steps=N runs, threads=N.</summary>
/// <param name="steps">Where none are asked for.</param>
internal sealed class BenchOptions(int steps = 0)
{
    public int Steps { get; private set; } = steps;

    /// <summary>0: one a core.</summary>
    public int Threads { get; private set; }

    /// <summary>Whether an argument is NAME=NUMBER, at least 1.</summary>
    public static bool IsNumber(string argument, string name, out int number)
    {
        number = 0;
        return argument.StartsWith(name + "=", StringComparison.Ordinal)
            && int.TryParse(argument.AsSpan(name.Length + 1), CultureInfo.InvariantCulture, out number)
            && number >= 1;
    }

    /// <summary>Whether the argument is one of these; then it is heeded.</summary>
    public bool Take(string argument)
    {
        if (IsNumber(argument, "steps", out int count))
            Steps = count;
        else if (IsNumber(argument, "threads", out count))
            Threads = count;
        else
            return false;
        return true;
    }

    /// <returns>The exit code of a mistake of usage.</returns>
    public static int Refuse(string argument, string usage)
    {
        Console.Error.WriteLine($"'{argument}' is not understood. Usage: {usage}");
        return 2;
    }
}
