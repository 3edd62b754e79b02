using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FastCpt.Kernels.Cpu.Jit;
using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    private const int LimitAttempts = 5;

    /// <summary>Bytes of each side of the measured copy, far beyond the caches that a worker shares.</summary>
    private const long CopiedBytes = 128L << 20;

    /// <remarks>Independent multiply-adds in registers, all workers at once; the best of a few tries of some
    /// milliseconds. BF16 without instructions of its own is F32.</remarks>
    public override double MeasurePeakFlops(DType type)
    {
        double single = BestRate(PeakJob.Of(_level, pairs: false));
        return type == DType.BF16 && _level == SimdLevel.Bf16
            ? Math.Max(single, BestRate(PeakJob.Of(_level, pairs: true)))
            : single;
    }

    private double BestRate(PeakJob job)
    {
        double best = 0;
        for (int attempt = 0; attempt < LimitAttempts; attempt++)
        {
            long start = Stopwatch.GetTimestamp();
            _pool.Run(job);
            best = Math.Max(best, job.Operations * Threads / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <remarks>All workers at once; the best of a few tries.</remarks>
    public override double MeasureCopyBytes()
    {
        nint source = AlignedMemory.Allocate(CopiedBytes), target = AlignedMemory.Allocate(CopiedBytes);
        try
        {
            new Span<byte>((void*)source, (int)CopiedBytes).Fill(1);
            double best = 0;
            for (int attempt = 0; attempt <= LimitAttempts; attempt++)
            {
                long start = Stopwatch.GetTimestamp();
                _pool.Run(new CopyJob(source, target));
                double rate = 2.0 * CopiedBytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
                best = attempt == 0 ? 0 : Math.Max(best, rate); // the first one meets memory that is not there yet
            }

            return best;
        }
        finally
        {
            AlignedMemory.Free(source);
            AlignedMemory.Free(target);
        }
    }

    /// <param name="probe">Assembled loop, or 0 for the runtime's vectors.</param>
    /// <param name="perRound">Operations of one round of the loop.</param>
    private readonly struct PeakJob(nint probe, double perRound) : IJob
    {
        private const int Chains = 12, Rounds = 400_000;

        public double Operations => perRound * Rounds;

        public static PeakJob Of(SimdLevel level, bool pairs)
        {
            InstructionChoice? choice =
                pairs ? InstructionChoice.Bf16
                : level >= SimdLevel.Avx512 || (level == SimdLevel.Managed && Vector512.IsHardwareAccelerated)
                    ? InstructionChoice.Avx512
                : Fma.IsSupported ? InstructionChoice.Avx2
                : null;
            nint probe = choice is null ? 0 : PeakCode.Load(choice, Chains);
            return probe == 0
                ? new PeakJob(0, 2 * Chains * Vector256<float>.Count)
                : new PeakJob(probe, (pairs ? 4 : 2) * Chains * choice!.Lanes); // there is no probe without a choice
        }

        public void Run(int worker, int workers)
        {
            if (probe != 0)
                ((delegate* unmanaged<long, void>)probe)(Rounds);
            else if (float.IsNaN(Portable()))
                throw new InvalidOperationException("Sums of small numbers are numbers.");
        }

        // Twelve chains cover a latency of four cycles on two to three units. Written out: arrays stay in memory.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Portable()
        {
            Vector256<float> x = Vector256.Create(0.999f), y = Vector256.Create(0.001f);
            Vector256<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
            for (int round = 0; round < Rounds; round++)
            {
                a = Vector256.FusedMultiplyAdd(a, x, y);
                b = Vector256.FusedMultiplyAdd(b, x, y);
                c = Vector256.FusedMultiplyAdd(c, x, y);
                d = Vector256.FusedMultiplyAdd(d, x, y);
                e = Vector256.FusedMultiplyAdd(e, x, y);
                f = Vector256.FusedMultiplyAdd(f, x, y);
                g = Vector256.FusedMultiplyAdd(g, x, y);
                h = Vector256.FusedMultiplyAdd(h, x, y);
                i = Vector256.FusedMultiplyAdd(i, x, y);
                j = Vector256.FusedMultiplyAdd(j, x, y);
                k = Vector256.FusedMultiplyAdd(k, x, y);
                l = Vector256.FusedMultiplyAdd(l, x, y);
            }

            return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }
    }

    private readonly struct CopyJob(nint source, nint target) : IJob
    {
        public void Run(int worker, int workers)
        {
            long start = CopiedBytes * worker / workers, end = CopiedBytes * (worker + 1) / workers;
            Buffer.MemoryCopy((byte*)source + start, (byte*)target + start, end - start, end - start);
        }
    }
}
