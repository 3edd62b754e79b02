using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Writes model folders for tests, right or wrong in a chosen way.</summary>
internal sealed class FolderBuilder : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly OrderedDictionary<string, (DType Type, long[] Shape, double[] Values)> _tensors = [];

    /// <summary>Every parameter of a config, filled with small numbers that differ.</summary>
    public FolderBuilder(ModelConfig config, DType type = DType.F32)
    {
        Config = config;
        foreach (ParameterShape parameter in ParameterLayout.Of(config))
        {
            TensorEntry entry = ParameterLayout.Entry(parameter.Name, type, parameter.Shape);
            double[] values = [.. Enumerable.Range(0, (int)entry.ElementCount)
                .Select(i => ((_tensors.Count * 37 + i * 11) % 101 - 50) / 128.0)];
            _tensors.Add(parameter.Name, (type, [.. entry.Shape], values));
        }
    }

    public ModelConfig Config { get; set; }

    public string Path => _folder.Path;

    public double[] this[string name] => _tensors[name].Values;

    public FolderBuilder Set(string name, DType type, long[] shape, params double[] values)
    {
        _tensors[name] = (type, shape, values.Length > 0 ? values : new double[shape.Aggregate(1L, (a, b) => a * b)]);
        return this;
    }

    /// <summary>The same tensor under another name.</summary>
    public FolderBuilder Copy(string from, string to)
    {
        _tensors[to] = _tensors[from];
        return this;
    }

    public FolderBuilder Remove(string name)
    {
        _tensors.Remove(name);
        return this;
    }

    public FolderBuilder Rename(Func<string, string> rename)
    {
        foreach (string name in _tensors.Keys.ToArray())
        {
            Copy(name, rename(name));
            if (rename(name) != name)
                Remove(name);
        }

        return this;
    }

    /// <param name="config">The text of config.json; null for what the writer makes of the config.</param>
    public FolderBuilder Write(string? config = null)
    {
        if (config is null)
            File.WriteAllBytes(_folder.At("config.json"), ModelConfigWriter.Write(Config, DType.F32));
        else
            File.WriteAllText(_folder.At("config.json"), config);
        var writer = new SafeTensorsWriter(_tensors.Select(tensor => new TensorEntry(
            tensor.Key, tensor.Value.Type, tensor.Value.Shape)));
        using FileStream stream = File.Create(_folder.At("model.safetensors"));
        writer.Write(stream, (entry, output) => output.Write(Bytes(_tensors[entry.Name].Values, entry.Type)));
        return this;
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Bytes(double[] values, DType type) => type switch
    {
        DType.F64 => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
        DType.F32 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (float)value).AsSpan()).ToArray(),
        DType.F16 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()).ToArray(),
        _ => MemoryMarshal.AsBytes(Array.ConvertAll(values, Bf16.FromDouble).AsSpan()).ToArray(),
    };
}
