using FastCpt.Kernels;
using FastCpt.Kernels.Cpu;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>One pass over groups of rows has the bits of passes with each group alone, on every instruction set.
/// </summary>
public sealed class CpuLowRankGroupsTests
{
    private static readonly int[] Ragged = [1, 7, 33, 100, 100, 33, 7, 1];

    public static IEnumerable<object[]> Cases =>
        from level in Enum.GetValues<SimdLevel>()
        where level <= SimdLevels.Best
        from types in (Types[])[Types.Single, Types.Brain]
        from threads in (int[])[1, 2]
        select new object[] { SimdLevels.NameOf(level), types, threads };

    [TestCaseSource(nameof(Cases))]
    public void Group_HasTheBitsItHasAlone(string level, Types types, int threads)
    {
        using CpuBackend backend = new(threads, level);
        foreach (GroupedShape shape in GroupedShape.Biting)
            Check(backend, types, shape);
        for (int count = 1; count <= Ragged.Length; count += count < 3 ? 1 : 5)
            foreach (int rank in (int[])[8, 32])
                Check(backend, types, Several(count, rank), ownInput: rank == 8);
        Check(backend, types, new(45, 70, 130, new(1, 7, 256), new(9, 33, 256)), ownInput: true);
    }

    /// <summary>Wide layers: output and reduction of more than one block, workers that cut groups.</summary>
    [TestCaseSource(nameof(Cases))]
    [Category("slow")]
    public void Group_OfAWideLayer_HasTheBitsItHasAlone(string level, Types types, int threads)
    {
        using CpuBackend backend = new(threads, level);
        foreach (bool packs in (bool[])[false, true])
        {
            Check(backend, types, new(210, 48, 1600, new(0, 50, 8), new(51, 33, 8), new(90, 120, 8)), packs: packs);
            Check(backend, types, new(130, 2100, 40, new(0, 33, 8), new(33, 90, 8)), packs: packs);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Groups_KeepTheirBits_WhenOneLeaves(string level, Types types, int threads)
    {
        using CpuBackend backend = new(threads, level);
        foreach (int leaves in (int[])[0, 2, 3])
        {
            using Device device = new(backend);
            GroupBits.Check(device, types, Several(4, 8), ownInput: false, leaves);
        }
    }

    private static void Check(
        CpuBackend backend, Types types, GroupedShape shape, bool ownInput = false, bool packs = false)
    {
        using Device device = new(backend);
        GroupBits.Check(device, types, shape, ownInput, packs: packs);
    }

    /// <summary>Groups of ragged sizes, some with rows of none between them.</summary>
    private static GroupedShape Several(int count, int rank)
    {
        List<RowGroup> groups = [];
        int start = 0;
        foreach (int rows in Ragged.Take(count))
        {
            groups.Add(new RowGroup(start, rows, rank));
            start += rows + groups.Count % 2;
        }

        return new GroupedShape(start + 2, 65, 48, [.. groups]);
    }
}
