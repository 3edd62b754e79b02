namespace FastCpt.Kernels;

/// <summary>Extents of a tensor, outermost first; one to four of them.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly long _first, _second, _third, _fourth;

    public Shape(long first)
        : this(1, first, 1, 1, 1)
    {
    }

    public Shape(long first, long second)
        : this(2, first, second, 1, 1)
    {
    }

    public Shape(long first, long second, long third)
        : this(3, first, second, third, 1)
    {
    }

    public Shape(ReadOnlySpan<long> extents)
        : this(
            extents.Length is >= 1 and <= 4
                ? extents.Length
                : throw new ArgumentException($"A shape has 1 to 4 extents, not {extents.Length}."),
            extents[0],
            extents.Length > 1 ? extents[1] : 1,
            extents.Length > 2 ? extents[2] : 1,
            extents.Length > 3 ? extents[3] : 1)
    {
    }

    private Shape(int rank, long first, long second, long third, long fourth)
    {
        if (first < 0 || second < 0 || third < 0 || fourth < 0)
            throw new ArgumentException($"Negative extent in [{first}, {second}, {third}, {fourth}].");
        Rank = rank;
        (_first, _second, _third, _fourth) = (first, second, third, fourth);
        Length = checked(first * second * third * fourth);
    }

    public int Rank { get; }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    public long this[int axis] => axis switch
    {
        0 when Rank > 0 => _first,
        1 when Rank > 1 => _second,
        2 when Rank > 2 => _third,
        3 when Rank > 3 => _fourth,
        _ => throw new ArgumentOutOfRangeException(nameof(axis), axis, $"The shape has {Rank} axes."),
    };

    /// <summary>The last extent: what a row holds.</summary>
    public long Cols => Rank == 0 ? 0 : this[Rank - 1];

    /// <summary>The product of all extents but the last.</summary>
    public long Rows => Rank switch
    {
        <= 1 => Rank,
        2 => _first,
        3 => _first * _second,
        _ => _first * _second * _third,
    };

    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    public bool Equals(Shape other) =>
        Rank == other.Rank && _first == other._first && _second == other._second && _third == other._third
        && _fourth == other._fourth;

    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Rank, _first, _second, _third, _fourth);

    public override string ToString() => Rank switch
    {
        0 => "[]",
        1 => $"[{_first}]",
        2 => $"[{_first}, {_second}]",
        3 => $"[{_first}, {_second}, {_third}]",
        _ => $"[{_first}, {_second}, {_third}, {_fourth}]",
    };
}
