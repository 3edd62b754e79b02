namespace FastCpt.Kernels;

/// <summary>The machine refuses: no memory, no such instruction set, no such device.</summary>
public sealed class DeviceException(string message, Exception? cause = null) : Exception(message, cause);
