using System.Runtime.Intrinsics;
using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <summary>Products with one side as thin as an adapter's rank, without packing the other side.</summary>
/// <remarks>
/// Elements are the chains that <see cref="Gemm"/> computes, so bits do not depend on which of the two computes them,
/// nor on threads or blocks.
/// </remarks>
internal sealed unsafe class ThinProducts(WorkerPool pool, SimdLevel level) : IDisposable
{
    private const int PanelCols = 32, Vector = 16;

    /// <summary>Rows whose sums are held before they are converted.</summary>
    private const int StagedRows = 16 * ThinCode.RowsByRows;

    /// <summary>Memory of the wide side that is walked again for every tile of rows: it stays in the second-level
    /// cache.</summary>
    private const long BlockBytes = 384 << 10;

    private const long LeastBlockRows = 128;

    private readonly Scratch _packed = new(), _turned = new();
    private readonly Scratch[] _stage = Scratch.Several(pool.Workers);

    /// <summary>Working memory held.</summary>
    public long ScratchBytes => _packed.Bytes + _turned.Bytes + Scratch.Total(_stage);

    /// <summary>Whether kernels for products of these types are there; BF16 goes in pairs alone.</summary>
    public bool Serves(DType type, DType other) =>
        type == other && ThinKernels.Of(level, pairs: type == DType.BF16) != null;

    /// <summary>output [M, R] = scale · wide [M, K] · thin, each sum scaled once, then rounded.</summary>
    /// <param name="thin">R lines over K, which is even for BF16.</param>
    public void Project(Tensor wide, Operand thin, float scale, Tensor output)
    {
        bool pairs = wide.Type == DType.BF16;
        long steps = pairs ? wide.Cols / 2 : wide.Cols;
        long panels = (output.Cols + PanelCols - 1) / PanelCols;
        float* packed = (float*)_packed.AtLeast(panels * steps * PanelCols * sizeof(float));
        pool.Run(new ProjectJob(this, wide, thin, scale, output, (nint)packed));
    }

    /// <summary>output (+)= thinᵀ wide [R, N], or, turned, wideᵀ thin [N, R]; F32.</summary>
    /// <param name="thin">[M, R].</param>
    /// <param name="wide">[M, N] of the same type.</param>
    public void Transposed(Tensor thin, Tensor wide, bool turned, bool overwrites, Tensor output)
    {
        bool pairs = thin.Type == DType.BF16;
        void* left = (void*)thin.Address;
        long leftStride = thin.Cols * thin.Type.Size();
        if (pairs)
        {
            long width = (thin.Cols + Vector - 1) / Vector * Vector, steps = (thin.Rows + 1) / 2;
            left = _packed.AtLeast(Packing.PanelFloats(steps, (int)width) * sizeof(float));
            leftStride = width * sizeof(float);
            pool.RunRange(new PackPairsJob(thin, (int)width, (nint)left), steps, atLeast: 128);
        }

        nint sums = turned ? (nint)_turned.AtLeast(thin.Cols * wide.Cols * sizeof(float)) : output.Address;
        pool.RunRange(
            new TransposedJob(this, thin, wide, (nint)left, leftStride, sums, turned, overwrites, output),
            (wide.Cols + PanelCols - 1) / PanelCols);
    }

    public void Dispose()
    {
        _packed.Dispose();
        _turned.Dispose();
        foreach (Scratch stage in _stage)
            stage.Dispose();
    }

    /// <summary>y[i] = scale · x[i], rounded to y's type.</summary>
    public static void Scaled<TElement>(float* x, float scale, void* y, long count)
        where TElement : IElement
    {
        long i = 0;
        for (; i + Vector <= count; i += Vector)
            TElement.Store(Vector512.Load(x + i) * scale, y, i);
        if (i < count)
            TElement.Store(SingleElement.Load(x, i, (int)(count - i)) * scale, y, i, (int)(count - i));
    }

    /// <summary>Rows of a tile where so many are to be covered by tiles of about equal size.</summary>
    private static int EvenRows(long rows, int most)
    {
        long tiles = (rows + most - 1) / most;
        return (int)((rows + tiles - 1) / tiles);
    }

    private readonly struct ProjectJob(
        ThinProducts products, Tensor wide, Operand thin, float scale, Tensor output, nint packed) : IJob
    {
        private readonly Operand _thin = thin;

        public void Run(int worker, int workers)
        {
            bool pairs = wide.Type == DType.BF16;
            long steps = pairs ? wide.Cols / 2 : wide.Cols;
            Pack(pairs, steps, worker, workers);
            products.Pool.Meet();
            long tiles = (wide.Rows + ThinCode.RowsByRows - 1) / ThinCode.RowsByRows;
            long end = Math.Min(tiles * (worker + 1) / workers * ThinCode.RowsByRows, wide.Rows);
            for (long row = tiles * worker / workers * ThinCode.RowsByRows; row < end; row += StagedRows)
                Rows(row, Math.Min(StagedRows, end - row), steps, worker);
        }

        /// <summary>A share of the steps, in all panels.</summary>
        private void Pack(bool pairs, long steps, int worker, int workers)
        {
            long blocks = (steps + Vector - 1) / Vector, start = blocks * worker / workers * Vector;
            long count = Math.Min(blocks * (worker + 1) / workers * Vector, steps) - start;
            int places = pairs ? 2 : 1;
            ReductionBlock block = new(0, pairs, start * places, count * places);
            for (long line = 0; line < output.Cols && count > 0; line += PanelCols)
                Packing.Pack(
                    _thin, block, line, output.Cols - line, 1, Width(line),
                    (float*)packed + line * steps + start * Width(line));
        }

        /// <summary>Columns of the panel that begins with a line.</summary>
        private int Width(long line) => output.Cols - line > Vector ? PanelCols : Vector;

        private void Rows(long first, long count, long steps, int worker)
        {
            ThinKernels kernels = ThinKernels.Of(products.Level, wide.Type == DType.BF16)!; // Serves said so
            long cols = (output.Cols + Vector - 1) / Vector * Vector, rowBytes = wide.Cols * wide.Type.Size();
            float* stage = (float*)products.Stage(worker, StagedRows * cols);
            ThinTile tile = new()
            {
                LeftStride = rowBytes, Steps = steps, OutputStride = cols * sizeof(float),
            };
            for (long line = 0; line < output.Cols; line += PanelCols)
                for (long row = 0; row < count; row += ThinCode.RowsByRows)
                {
                    tile.Left = (byte*)wide.Address + (first + row) * rowBytes;
                    tile.Right = (float*)packed + line * steps;
                    tile.Output = stage + row * cols + line;
                    kernels.ByRows((int)Math.Min(ThinCode.RowsByRows, count - row), Width(line) / Vector, &tile);
                }

            // Where no columns are padded the rows lie one after the other on both sides.
            long together = cols == output.Cols ? count : 1, size = output.Cols * output.Type.Size();
            for (long row = 0; row < count; row += together)
            {
                void* target = (byte*)output.Address + (first + row) * size;
                if (output.Type == DType.F32)
                    Scaled<SingleElement>(stage + row * cols, scale, target, together * output.Cols);
                else
                    Scaled<BrainElement>(stage + row * cols, scale, target, together * output.Cols);
            }
        }
    }

    private readonly struct PackPairsJob(Tensor thin, int width, nint target) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            ReductionBlock block = new(0, true, 2 * start, Math.Min(2 * end, thin.Rows) - 2 * start);
            Packing.Pack(
                Operand.Columns(thin), block, 0, thin.Cols, 1, width, (float*)target + start * width);
        }
    }

    private readonly struct TransposedJob(
        ThinProducts products, Tensor thin, Tensor wide, nint left, long leftStride, nint sums, bool turned,
        bool overwrites, Tensor output) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            long first = start * PanelCols, last = Math.Min(end * PanelCols, wide.Cols);
            if (turned && !overwrites)
                Turn((float*)output.Address, thin.Cols, (float*)sums, wide.Cols, first, last, into: true);
            bool pairs = wide.Type == DType.BF16;
            long rows = Math.Max(BlockBytes / ((last - first) * wide.Type.Size()), LeastBlockRows) / 2 * 2;
            for (long row = 0; row == 0 || row < wide.Rows; row += rows) // sums of nothing are written too
            {
                long count = Math.Min(rows, wide.Rows - row), whole = pairs ? count / 2 : count;
                bool adds = row > 0 || !overwrites;
                if (whole > 0 || count == 0)
                    Block(row, whole, isHalf: false, first, last, adds);
                if (pairs && count % 2 > 0)
                    Block(row + count - 1, 1, isHalf: true, first, last, adds || whole > 0);
            }

            if (turned)
                Turn((float*)output.Address, thin.Cols, (float*)sums, wide.Cols, first, last, into: false);
        }

        /// <summary>Adds the products of some steps to all sums of some columns.</summary>
        /// <param name="isHalf">The one step is a row without a second: zeros stand for that, as wherever pairs are
        /// packed. The row itself would not do: its infinities times 0 are no numbers.</param>
        private void Block(long row, long steps, bool isHalf, long first, long last, bool adds)
        {
            Vector512<byte> zeros = default; // a pair's second row of a panel
            ThinKernels kernels = ThinKernels.Of(products.Level, wide.Type == DType.BF16)!; // Serves said so
            int places = wide.Type == DType.BF16 ? 2 : 1, tileRows = EvenRows(thin.Cols, ThinCode.RowsByColumns);
            ThinTile tile = new()
            {
                LeftStride = leftStride, RightStride = wide.Cols * wide.Type.Size(), Steps = steps,
                Adds = adds ? 1 : 0, OutputStride = wide.Cols * sizeof(float),
            };
            for (long col = first; col < last; col += PanelCols)
            {
                int cols = (int)Math.Min(PanelCols, last - col);
                tile.Mask = (uint)((1UL << cols) - 1);
                tile.Right = (byte*)wide.Address + (row * wide.Cols + col) * wide.Type.Size();
                if (isHalf)
                    tile.RightStride = (byte*)&zeros - (byte*)tile.Right;
                for (long line = 0; line < thin.Cols; line += tileRows)
                {
                    tile.Left = (byte*)left + row / places * leftStride + line * sizeof(float);
                    tile.Output = (float*)sums + line * wide.Cols + col;
                    kernels.ByColumns((int)Math.Min(tileRows, thin.Cols - line), cols < PanelCols, &tile);
                }
            }
        }
    }

    /// <summary>Copies columns of sums [R, N] from or to rows of an output [N, R].</summary>
    private static void Turn(float* output, long rank, float* sums, long cols, long first, long last, bool into)
    {
        const int Size = Transposition.Size;
        byte** lines = stackalloc byte*[Size];
        long col = first;
        if (rank % Size == 0 && !into)
            for (; col + Size <= last; col += Size)
                for (long line = 0; line < rank; line += Size)
                {
                    for (int index = 0; index < Size; index++)
                        lines[index] = (byte*)(sums + (line + index) * cols);
                    Transposition.Run<ElementSource<SingleElement>>(
                        lines, col, Size, output + col * rank + line, (int)rank);
                }

        for (; col < last; col++)
            for (long line = 0; line < rank; line++)
                if (into)
                    sums[line * cols + col] = output[col * rank + line];
                else
                    output[col * rank + line] = sums[line * cols + col];
    }

    private WorkerPool Pool => pool;

    private SimdLevel Level => level;

    private void* Stage(int worker, long floats) => _stage[worker].AtLeast(floats * sizeof(float));
}
