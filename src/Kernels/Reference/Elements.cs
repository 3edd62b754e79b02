namespace FastCpt.Kernels.Reference;

/// <summary>A tensor in host memory, element by element: read as double, rounded once to its type when
/// written.</summary>
internal readonly unsafe struct Elements
{
    private readonly byte* _start;
    private readonly DType _type;
    private readonly long _cols;

    public Elements(Tensor tensor)
    {
        _start = (byte*)tensor.Address;
        _type = tensor.Type;
        _cols = tensor.IsNone ? 0 : tensor.Cols;
    }

    public bool IsNone => _start == null;

    public double this[long index]
    {
        get => _type switch
        {
            DType.F32 => ((float*)_start)[index],
            DType.BF16 => Bf16.ToSingle(((ushort*)_start)[index]),
            DType.F64 => ((double*)_start)[index],
            _ => throw new InvalidOperationException($"No arithmetic on {_type}."),
        };
        set
        {
            switch (_type)
            {
                case DType.F32:
                    ((float*)_start)[index] = (float)value;
                    break;
                case DType.BF16:
                    ((ushort*)_start)[index] = Bf16.FromDouble(value);
                    break;
                case DType.F64:
                    ((double*)_start)[index] = value;
                    break;
                default:
                    throw new InvalidOperationException($"No arithmetic on {_type}.");
            }
        }
    }

    public double this[long row, long col]
    {
        get => this[row * _cols + col];
        set => this[row * _cols + col] = value;
    }
}
