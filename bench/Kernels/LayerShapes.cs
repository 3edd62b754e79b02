namespace FastCpt.Bench.Kernels;

/// <summary>Rows and columns of a layer's activations.</summary>
public readonly record struct RowShape(string Name, int Rows, int Cols)
{
    /// <summary>Residual streams.</summary>
    public static IEnumerable<RowShape> Widths =>
    [
        new("Llama-15M", 2048, 288), new("Llama-110M", 2048, 768), new("Gemma3-270M", 1024, 640),
        new("Gemma3-1B", 1024, 1152), new("Gemma3-4B", 1024, 2560),
    ];

    /// <summary>Inner activations of feed-forward layers.</summary>
    public static IEnumerable<RowShape> Inner =>
    [
        new("Llama-15M mlp", 2048, 768), new("Llama-110M mlp", 2048, 2048), new("Gemma3-270M mlp", 1024, 2048),
        new("Gemma3-1B mlp", 1024, 6912), new("Gemma3-4B mlp", 1024, 10_240),
    ];

    public double Elements => (double)Rows * Cols;

    public override string ToString() => $"{Name}, {Rows} x {Cols}";
}

/// <summary>Number of elements of a whole parameter.</summary>
public readonly record struct ParameterShape(string Name, int Length)
{
    public static IEnumerable<ParameterShape> Parameters =>
    [
        new("Llama-15M embedding", 32_000 * 288), new("Llama-110M mlp up", 768 * 2048),
        new("Llama-110M embedding", 32_000 * 768), new("Gemma3-4B mlp up", 2560 * 10_240),
    ];

    public override string ToString() => $"{Name}, {Length}";
}

/// <summary>A matrix product: rows M, outputs N, inputs K.</summary>
public readonly record struct ProductShape(string Name, int M, int N, int K)
{
    public static IEnumerable<ProductShape> Layers =>
    [
        new("Llama-15M q", 2048, 288, 288), new("Llama-15M mlp up", 2048, 768, 288),
        new("Llama-110M q", 2048, 768, 768), new("Llama-110M mlp up", 2048, 2048, 768),
        new("Llama-110M mlp down", 2048, 768, 2048), new("XLM-R-base up", 2048, 3072, 768),
        new("XLM-R-base down", 2048, 768, 3072), new("Gemma3-270M q", 1024, 1024, 640),
        new("Gemma3-270M mlp up", 1024, 2048, 640), new("Gemma3-1B q", 1024, 1024, 1152),
        new("Gemma3-1B mlp up", 1024, 6912, 1152), new("Gemma3-1B mlp down", 1024, 1152, 6912),
        new("Gemma3-4B q", 1024, 2048, 2560), new("Gemma3-4B mlp up", 1024, 10_240, 2560),
        new("Gemma3-4B mlp down", 1024, 2560, 10_240),
    ];

    /// <summary>Operations of one product.</summary>
    public double Flops => 2.0 * M * N * K;

    public override string ToString() => $"{Name}, {M} x {N} x {K}";
}
