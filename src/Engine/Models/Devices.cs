using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Opens backends for runs; what the machine refuses is an error of resources.</summary>
public static class Devices
{
    /// <exception cref="RunException">Exit 6: the device or the instruction set is not to be had here.</exception>
    public static Backend Open(string device, int threads)
    {
        try
        {
            return Backends.Open(device, threads);
        }
        catch (DeviceException exception)
        {
            throw new RunException(ExitCode.Resources, exception.Message, exception);
        }
    }
}
