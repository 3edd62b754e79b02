using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

public sealed class FiniteCheckTests
{
    private static readonly (DType Type, byte[] Largest, byte[][] NonFinite)[] Values =
    [
        (DType.F64, Bytes(double.MaxValue), [Bytes(double.NaN), Bytes(double.PositiveInfinity), Bytes(-double.NaN)]),
        (DType.F32, Bytes(-float.MaxValue), [Bytes(float.NaN), Bytes(float.NegativeInfinity), Bytes(0x7F800001)]),
        (DType.F16, Bytes(Half.MaxValue), [Bytes(Half.NaN), Bytes(Half.PositiveInfinity)]),
        (DType.BF16, Bytes((ushort)0x7F7F), [Bytes((ushort)0x7FC0), Bytes((ushort)0xFF80)]),
        (DType.I64, Bytes(-1L), []),
        (DType.U8, [255], []),
    ];

    [Test]
    public void FiniteCheck_CountsEveryKindAtEveryPlace()
    {
        foreach (var (type, largest, nonFinite) in Values)
            foreach (int count in new[] { 1, 7, 33, 130 })
            {
                byte[] bytes = [.. Enumerable.Repeat(largest, count).SelectMany(b => b)];
                Assert.That(FiniteCheck.Count(type, bytes), Is.Zero, $"{type} {count}");
                for (int place = 0; place < count; place++)
                    foreach (byte[] value in nonFinite)
                    {
                        byte[] changed = [.. bytes];
                        value.CopyTo(changed, place * value.Length);
                        Assert.That(FiniteCheck.Count(type, changed), Is.EqualTo(1), $"{type} at {place} of {count}");
                    }
            }
    }

    [Test]
    public void Fault_M6_NonFiniteWeights_AreListedAndRefused()
    {
        using var folder = new TestFolder();
        const int Count = 600_000;      // more than one chunk
        using (var output = new FolderWriter(folder.At("model")))
        {
            TensorFolderWriter.Write(
                output,
                [new("good", DType.F32, [Count]), new("bad", DType.F32, [Count]), new("index", DType.I32, [Count])],
                (entry, stream) =>
                {
                    var values = new float[Count];
                    if (entry.Name != "good")
                        values[0] = values[Count - 1] = float.NaN;
                    stream.Write(MemoryMarshal.AsBytes<float>(values));
                });
            output.Complete();
        }
        using TensorFolder read = TensorFolder.Open(folder.At("model"), Assert.Fail);
        var found = FiniteCheck.Find(read);
        Assert.That(found.Select(f => (f.Entry.Name, f.Count)), Is.EqualTo(new[] { ("bad", 2L) }));
        RunException error = Assert.Throws<RunException>(() => FiniteCheck.Require(read))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.Contain("NonFiniteWeights: 1 tensors"));
        Assert.That(error.Message, Does.Contain("'bad' F32 [600000] with 2"));
    }

    private static byte[] Bytes<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
}
