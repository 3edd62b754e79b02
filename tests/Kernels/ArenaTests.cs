using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels;

/// <summary>Memory for activations: taken in order, given up together, kept for the next step.</summary>
public sealed class ArenaTests
{
    private const long Megabyte = 1L << 20;

    [Test]
    public void SteadyState_AsksForNothing()
    {
        using Backend backend = Backends.Open("reference");
        using Arena arena = new(backend);
        Step(arena, 40 * Megabyte);
        long reserved = arena.ReservedBytes;
        for (int step = 0; step < 5; step++)
            Step(arena, (40 - step) * Megabyte);
        Assert.That(arena.ReservedBytes, Is.EqualTo(reserved));
    }

    /// <summary>Batches of documents are ragged, so a longer one comes along now and then.</summary>
    [Test]
    public void RisingSizes_LeaveNoSmallerSetBehind()
    {
        using Backend backend = Backends.Open("reference");
        using Arena rising = new(backend), largest = new(backend);
        for (long megabytes = 33; megabytes <= 60; megabytes += 3)
            Step(rising, megabytes * Megabyte);
        Step(largest, 60 * Megabyte);
        // Ten sets would be seven times as much; small tensors may keep a few chunks of earlier sizes in use.
        Assert.That(rising.ReservedBytes, Is.LessThan(2 * largest.ReservedBytes));
    }

    [Test]
    public void Tensors_DoNotOverlap_AndStayWhenLaterOnesAreGivenUp()
    {
        using Backend backend = Backends.Open("reference");
        using Arena arena = new(backend);
        Tensor first = arena.Take(DType.U8, new Shape(20 * Megabyte));
        Arena.Mark mark = arena.Position;
        Tensor second = arena.Take(DType.U8, new Shape(20 * Megabyte));
        arena.ReturnTo(mark);
        Tensor larger = arena.Take(DType.U8, new Shape(70 * Megabyte));
        Tensor small = arena.Take(DType.U8, new Shape(Megabyte));
        Assert.That(Overlap(first, larger) || Overlap(first, small) || Overlap(larger, small), Is.False);
        Assert.That(second.Bytes, Is.EqualTo(20 * Megabyte));
        Assert.That(arena.ReservedBytes, Is.LessThan(150 * Megabyte), "the chunk of the second made room");
    }

    [Test]
    public void Mark_ThatWasReturnedPast_IsRefused()
    {
        using Backend backend = Backends.Open("reference");
        using Arena arena = new(backend);
        Arena.Mark start = arena.Position;
        arena.Take(DType.F32, new Shape(10));
        Arena.Mark later = arena.Position;
        arena.ReturnTo(start);
        Assert.That(() => arena.ReturnTo(later), Throws.InvalidOperationException);
    }

    /// <summary>Takes what a layer would: large and small tensors in turn.</summary>
    private static void Step(Arena arena, long bytes)
    {
        for (int layer = 0; layer < 3; layer++)
        {
            arena.Take(DType.U8, new Shape(bytes));
            arena.Take(DType.U8, new Shape(bytes / 64));
        }

        arena.ReturnTo(default);
    }

    private static bool Overlap(Tensor a, Tensor b) =>
        a.Address < b.Address + b.Bytes && b.Address < a.Address + a.Bytes;
}
