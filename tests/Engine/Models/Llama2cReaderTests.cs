using System.Runtime.InteropServices;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

public sealed class Llama2cReaderTests
{
    /// <summary>dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len.</summary>
    private static readonly int[] Header = [16, 6, 2, 4, 2, 5, 8];

    /// <summary>Embedding; per layer norms, q and o, k and v, mlp; last norm; rotations.</summary>
    private const int TiedNumbers = 80 + 2 * (2 * 16 + 2 * 256 + 2 * 128 + 3 * 96) + 16 + 32;

    [Test]
    public void Reader_PutsWeightsWhereTheyBelong([Values] bool tied)
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("reference");
        using CausalModel model = Llama2cReader.Load(Write(folder, tied), backend, DType.F32, 8);
        double[] embedding = TestTensors.Read(backend, model.Parameters["model.embed_tokens.weight"].Value);
        double[] norm = TestTensors.Read(backend, model.Parameters["model.layers.1.input_layernorm.weight"].Value);
        double[] up = TestTensors.Read(backend, model.Parameters["model.layers.0.mlp.up_proj.weight"].Value);
        double[] down = TestTensors.Read(backend, model.Parameters["model.layers.0.mlp.down_proj.weight"].Value);
        double[] last = TestTensors.Read(backend, model.Parameters["model.norm.weight"].Value);
        int up0 = 80 + 2 * 16 + 4 * 256 + 4 * 128 + 2 * 16 + 4 * 96, norm1 = 80 + 16;
        Assert.Multiple(() =>
        {
            Assert.That(model.Config.TiedHead, Is.EqualTo(tied));
            Assert.That((embedding[0], embedding[^1]), Is.EqualTo((0.0, 79.0)));
            Assert.That(norm[0], Is.EqualTo(norm1));
            Assert.That(down[0], Is.EqualTo(up0 - 2 * 96));
            Assert.That(up[0], Is.EqualTo(up0));
            Assert.That(last[^1], Is.EqualTo(TiedNumbers - 32 - 1));
            if (!tied)
                Assert.That(TestTensors.Read(backend, model.Head.Value)[0], Is.EqualTo(TiedNumbers));
        });
    }

    [Test]
    public void Reader_ReordersQueryAndKeyRowsFromPairsToHalves()
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("reference");
        using CausalModel model = Llama2cReader.Load(Write(folder, tied: true), backend, DType.F32, 8);
        double[] query = TestTensors.Read(backend, model.Parameters["model.layers.0.self_attn.q_proj.weight"].Value);
        double[] value = TestTensors.Read(backend, model.Parameters["model.layers.0.self_attn.v_proj.weight"].Value);
        const int Query0 = 80 + 2 * 16, Value0 = Query0 + 2 * 256 + 2 * 128;
        IEnumerable<double> queryRows = Enumerable.Range(0, 8).Select(row => (query[16 * row] - Query0) / 16);
        IEnumerable<double> valueRows = Enumerable.Range(0, 8).Select(row => (value[16 * row] - Value0) / 16);
        Assert.That(queryRows, Is.EqualTo(new[] { 0, 2, 1, 3, 4, 6, 5, 7 }));
        Assert.That(valueRows, Is.EqualTo(new[] { 0, 1, 2, 3, 4, 5, 6, 7 }));
    }

    [TestCase(0, 0, "dim is 0")]
    [TestCase(0, 1 << 30, "dim is 1073741824")]
    [TestCase(0, 0x616B3432, "ak42")]
    [TestCase(2, 513, "n_layers is 513")]
    [TestCase(3, 3, "n_heads 3")]
    [TestCase(3, 16, "even number")]
    [TestCase(4, 3, "n_kv_heads 3")]
    [TestCase(5, 0, "vocab_size is 0")]
    [TestCase(5, int.MinValue, "vocab_size is")]
    [TestCase(6, 9, "bytes, but the numbers in its header make")]
    public void Reader_RefusesAHeaderThatCannotBe(int index, int value, string message)
    {
        using var folder = new TestFolder();
        int[] header = [.. Header];
        header[index] = value;
        AssertRefused(Write(folder, tied: true, header), message);
    }

    [TestCase(0, "0 bytes; the header")]
    [TestCase(27, "27 bytes; the header")]
    [TestCase(28, "28 bytes, but")]
    [TestCase(1000, "1000 bytes, but")]
    public void Reader_RefusesAFileCutShort(int length, string message)
    {
        using var folder = new TestFolder();
        string path = Write(folder, tied: true);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        AssertRefused(path, message);
    }

    private static void AssertRefused(string path, string message)
    {
        using Backend backend = Backends.Open("reference");
        RunException error = Assert.Throws<RunException>(() => Llama2cReader.Load(path, backend, DType.F32, 8))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.StartWith(path).And.Contain(message));
    }

    /// <summary>A file whose numbers count up from 0, so that a value tells where it stood.</summary>
    internal static string Write(TestFolder folder, bool tied, int[]? header = null)
    {
        header ??= [.. Header[..5], tied ? Header[5] : -Header[5], Header[6]];
        float[] numbers = [.. Enumerable.Range(0, TiedNumbers + (tied ? 0 : 80)).Select(i => (float)i)];
        string path = folder.At("model.bin");
        File.WriteAllBytes(
            path, [.. MemoryMarshal.AsBytes(header.AsSpan()), .. MemoryMarshal.AsBytes(numbers.AsSpan())]);
        return path;
    }
}
