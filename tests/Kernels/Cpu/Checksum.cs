namespace FastCpt.Tests.Kernels.Cpu;

internal static class Checksum
{
    /// <summary>FNV-1a of 32 bits.</summary>
    public static uint Of(IEnumerable<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte value in bytes)
            hash = (hash ^ value) * 16777619;
        return hash;
    }
}
