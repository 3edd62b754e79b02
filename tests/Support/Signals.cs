using System.Globalization;

namespace FastCpt.Tests.Support;

/// <summary>Whether signals that a test sends can arrive.</summary>
internal static class Signals
{
    /// <summary>Ignores the test where this process ignores a signal, which its children then do too: it was started
    /// by nohup, or in the background of a shell.</summary>
    public static void Require(params int[] signals)
    {
        const string Facts = "/proc/self/status", Key = "SigIgn:";
        if (!File.Exists(Facts))
            return;
        string line = File.ReadLines(Facts).First(fact => fact.StartsWith(Key, StringComparison.Ordinal));
        ulong ignored = ulong.Parse(line[Key.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        foreach (int signal in signals)
            if ((ignored >> (signal - 1) & 1) != 0)
                Assert.Ignore($"signal {signal} is ignored by the process that runs the tests, so by its children.");
    }
}
