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
    private readonly ThinParts _projections = new(), _gradients = new();

    /// <summary>Working memory held.</summary>
    public long ScratchBytes => _packed.Bytes + _turned.Bytes + Scratch.Total(_stage);

    /// <summary>Whether kernels for products of these types are there; BF16 goes in pairs alone.</summary>
    public bool Serves(DType type, DType other) =>
        type == other && ThinKernels.Of(level, pairs: type == DType.BF16) != null;

    /// <summary>Adds output [M, R] = scale · wide [M, K] · lines to the next job, each sum scaled once, then rounded.
    /// </summary>
    /// <param name="lines">R over K, which is even for BF16.</param>
    public void AddProjection(Tensor wide, Operand lines, float scale, Tensor output)
    {
        long steps = wide.Type == DType.BF16 ? wide.Cols / 2 : wide.Cols;
        long panels = (output.Cols + PanelCols - 1) / PanelCols;
        _projections.Add(
            new ThinPart { Wide = wide, Lines = lines, Scale = scale, Output = output }, panels * steps * PanelCols, 0);
    }

    /// <summary>Computes the projections that were added.</summary>
    public void Project()
    {
        if (_projections.Count == 0)
            return;
        try
        {
            float* packed = (float*)_packed.AtLeast(_projections.PackedFloats * sizeof(float));
            pool.Run(new ProjectJob(this, (nint)packed));
        }
        finally
        {
            _projections.Clear();
        }
    }

    /// <summary>Adds output (+)= thinᵀ wide [R, N], or, turned, wideᵀ thin [N, R], F32, to the next job.</summary>
    /// <param name="thin">[M, R].</param>
    /// <param name="wide">[M, N] of the same type.</param>
    public void AddGradient(Tensor thin, Tensor wide, bool turned, bool overwrites, Tensor output)
    {
        ThinPart part = new() { Thin = thin, Wide = wide, Turned = turned, Overwrites = overwrites, Output = output };
        _gradients.Add(
            part, part.IsPairs ? Packing.PanelFloats((thin.Rows + 1) / 2, PackedWidth(thin)) : 0,
            turned ? thin.Cols * wide.Cols : 0);
    }

    /// <summary>Computes the gradients that were added.</summary>
    public void Differentiate()
    {
        if (_gradients.Count == 0)
            return;
        try
        {
            float* packed = (float*)_packed.AtLeast(_gradients.PackedFloats * sizeof(float));
            float* sums = (float*)_turned.AtLeast(_gradients.SumFloats * sizeof(float));
            pool.Run(new GradientsJob(this, (nint)packed, (nint)sums));
        }
        finally
        {
            _gradients.Clear();
        }
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

    /// <summary>Lines of a packed panel that holds all columns of a thin side.</summary>
    private static int PackedWidth(Tensor thin) => (int)((thin.Cols + Vector - 1) / Vector * Vector);

    private static long TilesOf(in ThinPart part) =>
        (part.Wide.Rows + ThinCode.RowsByRows - 1) / ThinCode.RowsByRows;

    private static long PanelsOf(in ThinPart part) => (part.Wide.Cols + PanelCols - 1) / PanelCols;

    /// <summary>Packs the thin sides together, then shares tiles of rows of all parts.</summary>
    private readonly struct ProjectJob(ThinProducts products, nint packed) : IJob
    {
        public void Run(int worker, int workers)
        {
            ThinParts parts = products._projections;
            long tiles = 0;
            for (int index = 0; index < parts.Count; index++)
            {
                Projection(index).Pack(worker, workers);
                tiles += TilesOf(parts[index]);
            }

            products.Pool.Meet();
            long start = tiles * worker / workers, end = tiles * (worker + 1) / workers;
            for (int index = 0; index < parts.Count; index++)
            {
                long count = TilesOf(parts[index]);
                Projection(index).Run(Math.Clamp(start, 0, count), Math.Clamp(end, 0, count), worker);
                (start, end) = (start - count, end - count);
            }
        }

        private Projection Projection(int index) =>
            new(products, products._projections[index], (float*)packed + products._projections[index].Packed);
    }

    private readonly struct Projection(ThinProducts products, in ThinPart part, float* packed)
    {
        private readonly ThinPart _part = part;

        private long Steps => _part.IsPairs ? _part.Wide.Cols / 2 : _part.Wide.Cols;

        /// <summary>A share of the steps, in all panels.</summary>
        public void Pack(int worker, int workers)
        {
            long blocks = (Steps + Vector - 1) / Vector, start = blocks * worker / workers * Vector;
            long count = Math.Min(blocks * (worker + 1) / workers * Vector, Steps) - start;
            int places = _part.IsPairs ? 2 : 1;
            ReductionBlock block = new(0, _part.IsPairs, start * places, count * places);
            for (long line = 0; line < _part.Output.Cols && count > 0; line += PanelCols)
                Packing.Pack(
                    _part.Lines, block, line, _part.Output.Cols - line, 1, Width(line),
                    packed + line * Steps + start * Width(line));
        }

        /// <summary>Tiles [start, end) of rows.</summary>
        public void Run(long start, long end, int worker)
        {
            long last = Math.Min(end * ThinCode.RowsByRows, _part.Wide.Rows);
            for (long row = start * ThinCode.RowsByRows; row < last; row += StagedRows)
                Rows(row, Math.Min(StagedRows, last - row), Steps, worker);
        }

        /// <summary>Columns of the panel that begins with a line.</summary>
        private int Width(long line) => _part.Output.Cols - line > Vector ? PanelCols : Vector;

        private void Rows(long first, long count, long steps, int worker)
        {
            Tensor wide = _part.Wide, output = _part.Output;
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
                    tile.Right = packed + line * steps;
                    tile.Output = stage + row * cols + line;
                    kernels.ByRows((int)Math.Min(ThinCode.RowsByRows, count - row), Width(line) / Vector, &tile);
                }

            // Where no columns are padded the rows lie one after the other on both sides.
            long together = cols == output.Cols ? count : 1, size = output.Cols * output.Type.Size();
            for (long row = 0; row < count; row += together)
            {
                void* target = (byte*)output.Address + (first + row) * size;
                if (output.Type == DType.F32)
                    Scaled<SingleElement>(stage + row * cols, _part.Scale, target, together * output.Cols);
                else
                    Scaled<BrainElement>(stage + row * cols, _part.Scale, target, together * output.Cols);
            }
        }
    }

    /// <summary>Packs the thin sides together, then shares panels of columns of all parts.</summary>
    private readonly struct GradientsJob(ThinProducts products, nint packed, nint sums) : IJob
    {
        public void Run(int worker, int workers)
        {
            ThinParts parts = products._gradients;
            long panels = 0;
            for (int index = 0; index < parts.Count; index++)
            {
                PackPairs(parts[index], worker, workers);
                panels += PanelsOf(parts[index]);
            }

            if (parts.PackedFloats > 0)
                products.Pool.Meet();
            long start = panels * worker / workers, end = panels * (worker + 1) / workers;
            for (int index = 0; index < parts.Count; index++)
            {
                long count = PanelsOf(parts[index]), first = Math.Max(start, 0), last = Math.Min(end, count);
                if (first < last)
                    Gradient(parts[index]).Run(first, last);
                (start, end) = (start - count, end - count);
            }
        }

        private void PackPairs(in ThinPart part, int worker, int workers)
        {
            if (!part.IsPairs)
                return;
            Tensor thin = part.Thin;
            int width = PackedWidth(thin);
            long steps = (thin.Rows + 1) / 2, start = steps * worker / workers, end = steps * (worker + 1) / workers;
            ReductionBlock block = new(0, true, 2 * start, Math.Min(2 * end, thin.Rows) - 2 * start);
            if (start < end)
                Packing.Pack(
                    Operand.Columns(thin), block, 0, thin.Cols, 1, width, (float*)packed + part.Packed + start * width);
        }

        private Gradient Gradient(in ThinPart part) => new(
            products, part, part.IsPairs ? (byte*)((float*)packed + part.Packed) : (byte*)part.Thin.Address,
            part.IsPairs ? PackedWidth(part.Thin) * sizeof(float) : part.Thin.Cols * part.Thin.Type.Size(),
            part.Turned ? (float*)sums + part.Sums : (float*)part.Output.Address);
    }

    private readonly struct Gradient(
        ThinProducts products, in ThinPart part, byte* left, long leftStride, float* sums)
    {
        private readonly ThinPart _part = part;

        /// <summary>Panels [start, end) of columns.</summary>
        public void Run(long start, long end)
        {
            Tensor thin = _part.Thin, wide = _part.Wide, output = _part.Output;
            bool turned = _part.Turned, overwrites = _part.Overwrites;
            long first = start * PanelCols, last = Math.Min(end * PanelCols, wide.Cols);
            if (turned && !overwrites)
                Turn((float*)output.Address, thin.Cols, sums, wide.Cols, first, last, into: true);
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
                Turn((float*)output.Address, thin.Cols, sums, wide.Cols, first, last, into: false);
        }

        /// <summary>Adds the products of some steps to all sums of some columns.</summary>
        /// <param name="isHalf">The one step is a row without a second: zeros stand for that, as wherever pairs are
        /// packed. The row itself would not do: its infinities times 0 are no numbers.</param>
        private void Block(long row, long steps, bool isHalf, long first, long last, bool adds)
        {
            Tensor thin = _part.Thin, wide = _part.Wide;
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
                    tile.Left = left + row / places * leftStride + line * sizeof(float);
                    tile.Output = sums + line * wide.Cols + col;
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
