using System.Collections.Concurrent;
using FastCpt.Kernels.Platform;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Writes void probe(long rounds): in each round one multiply-add on every one of some registers.</summary>
/// <remarks>Nothing is loaded or stored, so a round takes what the arithmetic units need: the limit that products are
/// measured against.</remarks>
internal static class PeakCode
{
    private static readonly ConcurrentDictionary<(InstructionChoice, int), nint> Loaded = new();

    /// <returns>The code's address; 0 where the system takes no code.</returns>
    public static nint Load(InstructionChoice choice, int chains) =>
        Loaded.GetOrAdd((choice, chains), key => ExecutableMemory.Load(Assemble(key.Item1, key.Item2)));

    private static byte[] Assemble(InstructionChoice choice, int chains)
    {
        var code = new Assembler(64);
        for (int index = 0; index <= chains; index++)
            code.AddInstruction(Instruction.Create(choice.Clear, At(index), At(index), At(index)));
        Label top = code.CreateLabel();
        code.Label(ref top);
        for (int index = 0; index < chains; index++)
            code.AddInstruction(Instruction.Create(choice.Add, At(index), At(chains), At(chains)));
        code.dec(rdi);
        code.jne(top);
        code.vzeroupper();
        code.ret();
        using MemoryStream bytes = new();
        code.Assemble(new StreamCodeWriter(bytes), 0);
        return bytes.ToArray();

        Register At(int index) => choice.FirstRegister + index;
    }
}
