using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Writes kernels for products with one thin side, which read the wide side where it lies.</summary>
/// <remarks>
/// void kernel(ThinTile*), System V calling convention, AVX-512 only. Each output element is the chain that the other
/// kernels compute. Packing the wide side for so few sums would cost about as much as the sums. Registers: rsi left,
/// rdx right, rcx steps, r8 and r9 output and its stride; sums in the first vector registers.
/// </remarks>
internal sealed class ThinCode(InstructionChoice choice, int rows)
{
    /// <summary>Rows of a tile: as many as addresses reach from two registers, or as sums fit the registers.</summary>
    public const int RowsByRows = 10, RowsByColumns = 13;

    private const int Vectors = 2, VectorBytes = 64, RowsOfOneBase = 5, Unroll = 4;

    /// <summary>Quarters of two vectors: the even ones, the odd ones, the lower, the upper, the middle two swapped.
    /// </summary>
    private const byte Even = 0x88, Odd = 0xDD, Lower = 0x44, Upper = 0xEE, Swapped = 0xD8;

    private readonly Assembler _code = new(64);

    private bool IsPairs => choice == InstructionChoice.Bf16;

    /// <summary>Left rows as they lie, each step spread over a register; right packed. Sums begin with 0.</summary>
    /// <param name="vectors">Vectors of columns, which is also what the packed right side has.</param>
    public byte[] ByRows(int vectors)
    {
        _code.mov(rsi, __qword_ptr[rdi + ThinTile.LeftOffset]);
        _code.mov(rax, __qword_ptr[rdi + ThinTile.LeftStrideOffset]);
        LoadCommon();
        // Three strides, the sixth row, and the rows of the next tile, which follow.
        _code.lea(r10, __qword_ptr[rax + rax * 2]);
        _code.lea(r11, __qword_ptr[rax + rax * 4]);
        _code.lea(rdi, __qword_ptr[rsi + r11 * 2]);
        _code.add(r11, rsi);
        Clear(vectors);
        Loop(Unroll, () =>
        {
            for (int line = 0; line < 3; line++)
                _code.prefetcht1(__byte_ptr[rdi + line * VectorBytes]);
            _code.add(rdi, Unroll * sizeof(float) * RowsByRows);
            StepsByRows(vectors, Unroll);
        });
        Loop(1, () => StepsByRows(vectors, 1));
        Store(vectors, masked: false);
        return Assemble();
    }

    /// <summary>Right rows as they lie, two of BF16 joined to pairs in registers; left packed.</summary>
    public byte[] ByColumns(bool masked)
    {
        _code.mov(rsi, __qword_ptr[rdi + ThinTile.LeftOffset]);
        _code.mov(rax, __qword_ptr[rdi + ThinTile.LeftStrideOffset]);
        _code.mov(r11, __qword_ptr[rdi + ThinTile.RightStrideOffset]);
        LoadCommon();
        if (masked)
            LoadMasks();
        Label clear = _code.CreateLabel(), ready = _code.CreateLabel();
        _code.cmp(__dword_ptr[rdi + ThinTile.AddsOffset], 0);
        _code.je(clear);
        LoadSums(masked);
        _code.jmp(ready);
        _code.Label(ref clear);
        Clear(Vectors);
        _code.Label(ref ready);
        Loop(2, () =>
        {
            StepByColumns(masked);
            StepByColumns(masked);
        });
        Loop(1, () => StepByColumns(masked));
        if (IsPairs)
            SortSums();
        Store(Vectors, masked);
        return Assemble();
    }

    private void LoadCommon()
    {
        _code.mov(rdx, __qword_ptr[rdi + ThinTile.RightOffset]);
        _code.mov(rcx, __qword_ptr[rdi + ThinTile.StepsOffset]);
        _code.mov(r8, __qword_ptr[rdi + ThinTile.OutputOffset]);
        _code.mov(r9, __qword_ptr[rdi + ThinTile.OutputStrideOffset]);
    }

    /// <summary>k1 and k2: columns of a vector of sums; k3: all of them, for BF16.</summary>
    private void LoadMasks()
    {
        _code.mov(r10d, __dword_ptr[rdi + ThinTile.MaskOffset]);
        _code.kmovw(k1, r10d);
        _code.kmovd(k3, r10d);
        _code.shr(r10d, 16);
        _code.kmovw(k2, r10d);
    }

    private void StepsByRows(int vectors, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            for (int vector = 0; vector < vectors; vector++)
                _code.vmovups(Right(vector), __zmmword_ptr[rdx + (step * vectors + vector) * VectorBytes]);
            for (int row = 0; row < rows; row++)
            {
                Emit(Instruction.Create(choice.Spread, Spread(row), LeftOfRow(row, step * sizeof(float))));
                Add(row, vectors);
            }
        }

        _code.add(rsi, steps * sizeof(float));
        _code.add(r11, steps * sizeof(float));
        _code.add(rdx, steps * vectors * VectorBytes);
    }

    private static MemoryOperand LeftOfRow(int row, int offset)
    {
        Register start = row < RowsOfOneBase ? Register.RSI : Register.R11;
        return (row % RowsOfOneBase) switch
        {
            0 => new MemoryOperand(start, offset, offset == 0 ? 0 : 1),
            3 => new MemoryOperand(start, Register.R10, 1, offset, offset == 0 ? 0 : 1),
            var strides => new MemoryOperand(start, Register.RAX, strides, offset, offset == 0 ? 0 : 1),
        };
    }

    private void StepByColumns(bool masked)
    {
        if (IsPairs)
        {
            // Of each four quarters, the lower half of the pairs, then the upper: sums are sorted at the end.
            AssemblerRegisterZMM first = Spread(0), second = Spread(1);
            _code.vmovdqu16(masked ? first.k3.z : first, __zmmword_ptr[rdx]);
            _code.vmovdqu16(masked ? second.k3.z : second, __zmmword_ptr[rdx + r11]);
            _code.vpunpcklwd(Right(0), first, second);
            _code.vpunpckhwd(Right(1), first, second);
            _code.prefetcht0(__byte_ptr[rdx + VectorBytes]);
            _code.prefetcht0(__byte_ptr[rdx + r11 + VectorBytes]);
            _code.lea(rdx, __qword_ptr[rdx + r11 * 2]);
        }
        else
        {
            for (int vector = 0; vector < Vectors; vector++)
                _code.vmovups(Masked(Right(vector), vector, masked), __zmmword_ptr[rdx + vector * VectorBytes]);
            for (int line = 0; line < Vectors; line++)
                _code.prefetcht0(__byte_ptr[rdx + (Vectors + line) * VectorBytes]);
            _code.add(rdx, r11);
        }

        for (int row = 0; row < rows; row++)
        {
            int offset = row * sizeof(float);
            Emit(Instruction.Create(
                choice.Spread, Spread(row), new MemoryOperand(Register.RSI, offset, offset == 0 ? 0 : 1)));
            Add(row, Vectors);
        }

        _code.add(rsi, rax);
    }

    /// <summary>sum += right · what is spread, for one row.</summary>
    private void Add(int row, int vectors)
    {
        for (int vector = 0; vector < vectors; vector++)
            Emit(Instruction.Create(choice.Add, Sum(row, vector, vectors), Right(vector), Spread(row)));
    }

    private void Clear(int vectors)
    {
        for (int row = 0; row < rows; row++)
            for (int vector = 0; vector < vectors; vector++)
                _code.vpxord(Sum(row, vector, vectors), Sum(row, vector, vectors), Sum(row, vector, vectors));
    }

    private void LoadSums(bool masked)
    {
        _code.mov(r10, r8);
        for (int row = 0; row < rows; row++)
        {
            for (int vector = 0; vector < Vectors; vector++)
            {
                AssemblerRegisterZMM target = IsPairs ? Right(vector) : Sum(row, vector, Vectors);
                _code.vmovups(Masked(target, vector, masked), __zmmword_ptr[r10 + vector * VectorBytes]);
            }

            if (IsPairs)
            {
                _code.vshuff32x4(Sum(row, 0, Vectors), Right(0), Right(1), Even);
                _code.vshuff32x4(Sum(row, 1, Vectors), Right(0), Right(1), Odd);
            }

            _code.add(r10, r9);
        }
    }

    /// <summary>Sums of joined pairs back to the order of the columns.</summary>
    private void SortSums()
    {
        for (int row = 0; row < rows; row++)
        {
            AssemblerRegisterZMM low = Sum(row, 0, Vectors), high = Sum(row, 1, Vectors);
            _code.vshuff32x4(Right(0), low, high, Lower);
            _code.vshuff32x4(Right(1), low, high, Upper);
            _code.vshuff32x4(low, Right(0), Right(0), Swapped);
            _code.vshuff32x4(high, Right(1), Right(1), Swapped);
        }
    }

    private void Store(int vectors, bool masked)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int vector = 0; vector < vectors; vector++)
            {
                AssemblerMemoryOperand target = __zmmword_ptr[r8 + vector * VectorBytes];
                target = !masked ? target : vector == 0 ? target.k1 : target.k2;
                _code.vmovups(target, Sum(row, vector, vectors));
            }

            _code.add(r8, r9);
        }

        _code.vzeroupper();
        _code.ret();
    }

    /// <summary>Steps while at least so many are left.</summary>
    private void Loop(int steps, Action body)
    {
        Label top = _code.CreateLabel(), end = _code.CreateLabel();
        _code.cmp(rcx, steps);
        _code.jl(end);
        _code.Label(ref top);
        body();
        _code.sub(rcx, steps);
        _code.cmp(rcx, steps);
        _code.jge(top);
        _code.Label(ref end);
    }

    private byte[] Assemble()
    {
        using MemoryStream bytes = new();
        _code.Assemble(new StreamCodeWriter(bytes), 0);
        return bytes.ToArray();
    }

    private static AssemblerRegisterZMM Masked(AssemblerRegisterZMM register, int vector, bool masked) =>
        !masked ? register : vector == 0 ? register.k1.z : register.k2.z;

    private static AssemblerRegisterZMM Sum(int row, int vector, int vectors) => At(row * vectors + vector);

    private static AssemblerRegisterZMM Right(int vector) => At(28 + vector);

    private static AssemblerRegisterZMM Spread(int row) => At(30 + row % 2);

    private static AssemblerRegisterZMM At(int index) => new(Register.ZMM0 + index);

    private void Emit(Instruction instruction) => _code.AddInstruction(instruction);
}
