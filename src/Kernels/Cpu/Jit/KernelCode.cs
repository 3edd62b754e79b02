using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Writes one micro-kernel as machine code: void kernel(Tile*), System V calling convention.</summary>
/// <remarks>
/// Sums stay in registers rows × vectors; per step the vectors of the right panel are loaded and each value of the
/// left side is spread over a register. Registers: rsi left, rdx right, rcx steps, r8 and r9 output and its stride,
/// r10 and r11 base and its stride (r10 is 0 once there is nothing to add), k1 and up a mask per vector, k7 whether
/// the output is BF16; where the left side lies in rows, rsi, rax and rdi are at every fifth of them, rbx and rbp one
/// and three times their stride.
/// </remarks>
internal sealed class KernelCode
{
    private const int Unroll = 4;

    /// <summary>Rows that one register reaches: 0, 1, 2, 3 or 4 strides on.</summary>
    private const int RowsPerBase = 5;

    private static readonly AssemblerRegister64[] RowBases = [rsi, rax, rdi];

    private readonly Assembler _code = new(64);
    private readonly InstructionChoice _choice;
    private readonly LeftSide _left;
    private readonly int _rows, _vectors, _panelRows, _panelVectors;

    /// <param name="rows">Rows that the kernel computes.</param>
    /// <param name="vectors">Vectors of columns that the kernel computes.</param>
    /// <param name="panelRows">Floats from step to step of the left side, where it does not lie in rows.</param>
    /// <param name="panelVectors">Vectors of columns that the packed right panel has.</param>
    public KernelCode(
        InstructionChoice choice, int rows, int vectors, LeftSide left, int panelRows, int panelVectors)
    {
        if (rows * vectors + vectors + 2 > choice.Registers)
            throw new ArgumentException($"{rows} rows of {vectors} vectors do not fit {choice.Registers} registers.");
        if (left == LeftSide.InRows && rows > RowBases.Length * RowsPerBase)
            throw new ArgumentException($"{rows} rows are more than {RowBases.Length * RowsPerBase}.");
        (_choice, _left, _rows, _vectors) = (choice, left, rows, vectors);
        (_panelRows, _panelVectors) = (panelRows, panelVectors);
    }

    public byte[] Assemble()
    {
        LoadArguments();
        Begin();
        PrefetchTileBelow();
        if (_left == LeftSide.InRows)
            FindRows();
        Loop(Unroll);
        Loop(1);
        End();
        using MemoryStream bytes = new();
        _code.Assemble(new StreamCodeWriter(bytes), 0);
        return bytes.ToArray();
    }

    private void LoadArguments()
    {
        _code.mov(rsi, __qword_ptr[rdi + Tile.LeftOffset]);
        _code.mov(rdx, __qword_ptr[rdi + Tile.RightOffset]);
        _code.mov(rcx, __qword_ptr[rdi + Tile.StepsOffset]);
        _code.mov(r8, __qword_ptr[rdi + Tile.OutputOffset]);
        _code.mov(r9, __qword_ptr[rdi + Tile.OutputStrideOffset]);
        _code.mov(r10, __qword_ptr[rdi + Tile.BaseOffset]);
        _code.mov(r11, __qword_ptr[rdi + Tile.BaseStrideOffset]);
        if (_choice.TakesBrain)
        {
            _code.mov(eax, __dword_ptr[rdi + Tile.OutputIsBrainOffset]);
            _code.kmovw(k7, eax);
        }

        if (!_choice.HasMasks)
            return;
        _code.mov(eax, __dword_ptr[rdi + Tile.MaskOffset]);
        for (int vector = 0; vector < _vectors; vector++)
        {
            _code.kmovw(new AssemblerRegisterK(Register.K1 + vector), eax);
            _code.shr(eax, (byte)_choice.Lanes);
        }
    }

    /// <summary>Sums begin with the base, or with 0 where there is none or it comes last.</summary>
    private void Begin()
    {
        Label clear = _code.CreateLabel(), brain = _code.CreateLabel(), added = _code.CreateLabel();
        Label ready = _code.CreateLabel();
        _code.test(r10, r10);
        _code.je(clear);
        _code.cmp(__dword_ptr[rdi + Tile.AddsLastOffset], 0);
        _code.jne(clear);
        if (_choice.TakesBrain)
        {
            _code.cmp(__dword_ptr[rdi + Tile.BaseIsBrainOffset], 0);
            _code.jne(brain);
        }

        for (int row = 0; row < _rows; row++)
        {
            for (int vector = 0; vector < _vectors; vector++)
                Emit(Masked(Instruction.Create(_choice.Load, Sum(row, vector), InRow(Register.R10, vector)), vector));
            _code.add(r10, r11);
        }

        if (_choice.TakesBrain)
        {
            _code.jmp(added);
            _code.Label(ref brain);
            BeginWithBrain();
            _code.Label(ref added);
        }

        _code.xor(r10d, r10d);
        _code.jmp(ready);
        _code.Label(ref clear);
        for (int sum = 0; sum < _rows * _vectors; sum++)
            Emit(Instruction.Create(_choice.Clear, At(sum), At(sum), At(sum)));
        _code.Label(ref ready);
    }

    /// <summary>Sums begin with a BF16 base, widened, plus the bias; the base of the tile below is asked for.</summary>
    private void BeginWithBrain()
    {
        for (int row = 0; row < _rows; row++)
        {
            for (int vector = 0; vector < _vectors; vector++)
            {
                Register sum = Sum(row, vector);
                Emit(Masked(
                    Instruction.Create(
                        Code.EVEX_Vpmovzxwd_zmm_k1z_ymmm256, sum, InBrainRow(Register.R10, vector)), vector));
                Emit(Instruction.Create(Code.EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8, sum, sum, 16));
            }

            _code.add(r10, r11);
        }

        Label end = _code.CreateLabel();
        _code.mov(rax, __qword_ptr[rdi + Tile.BiasOffset]);
        _code.test(rax, rax);
        _code.je(end);
        for (int vector = 0; vector < _vectors; vector++)
        {
            Register bias = At(_rows * _vectors + vector);
            Emit(Masked(Instruction.Create(_choice.Load, bias, InRow(Register.RAX, vector)), vector));
            for (int row = 0; row < _rows; row++)
                Emit(Instruction.Create(_choice.Plus, Sum(row, vector), Sum(row, vector), bias));
        }

        _code.Label(ref end);
        for (int row = 0; row < _rows; row++)
        {
            _code.prefetcht0(__byte_ptr[r10]);
            _code.add(r10, r11);
        }
    }

    private void FindRows()
    {
        _code.push(rbx);
        _code.push(rbp);
        _code.mov(rbx, __qword_ptr[rdi + Tile.LeftStrideOffset]);
        _code.lea(rbp, __[rbx + rbx * 2]);
        for (int index = 1; index * RowsPerBase < _rows; index++)
        {
            _code.lea(RowBases[index], __[RowBases[index - 1] + rbx * 4]);
            _code.add(RowBases[index], rbx);
        }
    }

    /// <summary>Asks for the output of the tile below, to write it; addresses past the end do no harm.</summary>
    private void PrefetchTileBelow()
    {
        Label end = _code.CreateLabel();
        _code.cmp(__dword_ptr[rdi + Tile.GoesDownOffset], 0);
        _code.je(end);
        for (int offset = 0; offset < _vectors * _choice.Lanes * sizeof(float); offset += Ahead.CacheLine)
        {
            if (offset > 0 && _choice.TakesBrain)
            {
                _code.cmp(__dword_ptr[rdi + Tile.OutputIsBrainOffset], 0);
                _code.jne(end);
            }

            _code.mov(rax, r9);
            _code.imul(rax, rax, _rows);
            _code.add(rax, r8);
            for (int row = 0; row < _rows; row++)
            {
                _code.prefetchw(__byte_ptr[rax + offset]);
                _code.add(rax, r9);
            }
        }

        _code.Label(ref end);
    }

    /// <summary>Steps while at least so many are left.</summary>
    private void Loop(int steps)
    {
        Label top = _code.CreateLabel(), end = _code.CreateLabel();
        _code.cmp(rcx, steps);
        _code.jl(end);
        _code.Label(ref top);
        for (int step = 0; step < steps; step++)
            Step(step);
        if (_left == LeftSide.InRows)
            for (int index = 0; index * RowsPerBase < _rows; index++)
                _code.add(RowBases[index], steps * sizeof(float));
        else
            _code.add(rsi, steps * _panelRows * sizeof(float));
        _code.add(rdx, steps * _panelVectors * _choice.Lanes * sizeof(float));
        _code.sub(rcx, steps);
        _code.cmp(rcx, steps);
        _code.jge(top);
        _code.Label(ref end);
    }

    private void Step(int step)
    {
        int right = _rows * _vectors, spread = right + _vectors;
        for (int vector = 0; vector < _vectors; vector++)
        {
            int offset = (step * _panelVectors + vector) * _choice.Lanes * sizeof(float);
            Emit(Instruction.Create(_choice.Load, At(right + vector), Memory(Register.RDX, offset)));
        }

        for (int row = 0; row < _rows; row++)
        {
            Register value = At(spread + row % 2);
            Emit(Instruction.Create(_choice.Spread, value, Left(step, row)));
            for (int vector = 0; vector < _vectors; vector++)
                Emit(Instruction.Create(_choice.Add, Sum(row, vector), At(right + vector), value));
        }
    }

    private void End()
    {
        Label store = _code.CreateLabel();
        _code.test(r10, r10);
        _code.je(store);
        for (int row = 0; row < _rows; row++)
        {
            for (int vector = 0; vector < _vectors; vector++)
            {
                // The right panel's registers are free by now; a masked load never touches what does not exist.
                Register value = At(_rows * _vectors + vector);
                Emit(Masked(Instruction.Create(_choice.Load, value, InRow(Register.R10, vector)), vector));
                Emit(Instruction.Create(_choice.Plus, Sum(row, vector), Sum(row, vector), value));
            }

            _code.add(r10, r11);
        }

        _code.Label(ref store);
        if (_choice.TakesBrain)
        {
            Label single = _code.CreateLabel(), stored = _code.CreateLabel();
            _code.kmovw(eax, k7);
            _code.test(eax, eax);
            _code.je(single);
            StoreBrain();
            _code.jmp(stored);
            _code.Label(ref single);
            StoreSingle();
            _code.Label(ref stored);
        }
        else
        {
            StoreSingle();
        }

        if (_left == LeftSide.InRows)
        {
            _code.pop(rbp);
            _code.pop(rbx);
        }

        _code.vzeroupper();
        _code.ret();
    }

    private void StoreSingle()
    {
        for (int row = 0; row < _rows; row++)
        {
            for (int vector = 0; vector < _vectors; vector++)
                Emit(Masked(Instruction.Create(_choice.Store, InRow(Register.R8, vector), Sum(row, vector)), vector));
            _code.add(r8, r9);
        }
    }

    /// <summary>Rounds to nearest, ties to even. The instruction takes subnormals for 0; there are none, since that of
    /// a step does so too, and every sum has one (<see cref="Gemm"/> sees to it).</summary>
    private void StoreBrain()
    {
        for (int row = 0; row < _rows; row++)
        {
            for (int vector = 0; vector < _vectors; vector++)
            {
                Register sum = Sum(row, vector), rounded = Register.YMM0 + (sum - Register.ZMM0);
                Emit(Instruction.Create(Code.EVEX_Vcvtneps2bf16_ymm_k1z_zmmm512b32, rounded, sum));
                Emit(Masked(
                    Instruction.Create(
                        Code.EVEX_Vmovdqu16_ymmm256_k1z_ymm, InBrainRow(Register.R8, vector), rounded), vector));
            }

            _code.add(r8, r9);
        }
    }

    private Instruction Masked(Instruction instruction, int vector)
    {
        if (!_choice.HasMasks)
            return instruction;
        instruction.OpMask = Register.K1 + vector;
        instruction.ZeroingMasking = instruction.Op0Kind == OpKind.Register;
        return instruction;
    }

    private MemoryOperand Left(int step, int row)
    {
        if (_left != LeftSide.InRows)
            return Memory(Register.RSI, (step * _panelRows + row) * sizeof(float));
        Register start = RowBases[row / RowsPerBase];
        int strides = row % RowsPerBase, offset = step * sizeof(float), size = offset == 0 ? 0 : 1;
        return strides == 0 ? Memory(start, offset)
            : strides == 3 ? new MemoryOperand(start, Register.RBP, 1, offset, size)
            : new MemoryOperand(start, Register.RBX, strides, offset, size);
    }

    private MemoryOperand InRow(Register start, int vector) => Memory(start, vector * _choice.Lanes * sizeof(float));

    private MemoryOperand InBrainRow(Register start, int vector) =>
        Memory(start, vector * _choice.Lanes * sizeof(ushort));

    /// <summary>Displacement size 1 lets the encoder choose the shortest.</summary>
    private static MemoryOperand Memory(Register start, int offset) => new(start, offset, offset == 0 ? 0 : 1);

    private Register Sum(int row, int vector) => At(row * _vectors + vector);

    private Register At(int index) => _choice.FirstRegister + index;

    private void Emit(Instruction instruction) => _code.AddInstruction(instruction);
}
