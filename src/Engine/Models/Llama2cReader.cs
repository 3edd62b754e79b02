using System.Buffers.Binary;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Reads the .bin files of llama2.c, version 0: seven numbers, then every weight in F32.</summary>
/// <remarks>
/// Layout: width, inner width, layers, heads, key heads, vocabulary (negative: the head is not the embedding),
/// positions, each I32; then weights by kind, each kind for all layers. These models rotate neighbouring elements of a
/// head, (0, 1), (2, 3), ...; the engine rotates element i with element i + D/2. Both are the same model once the rows
/// of the query and key weights are reordered, even rows of a head first, since scores only ever pair q with k.
/// </remarks>
public static class Llama2cReader
{
    private const int HeaderNumbers = 7;
    private const int HeaderBytes = HeaderNumbers * sizeof(int);
    private const int MagicOfLaterVersions = 0x616B3432;        // "ak42"

    /// <param name="type">Type of weights and activations.</param>
    /// <param name="positions">Longest row that the model will see.</param>
    /// <exception cref="RunException">Exit code 4: the file is not of this kind, or too short or long.</exception>
    public static CausalModel Load(string path, Backend backend, DType type, int positions)
    {
        using InputFile file = InputFile.Open(path, ExitCode.ModelFile);
        DecoderConfig config = ReadConfig(file);
        CheckLength(file, config);
        CausalModel model = ModelFactory.Create(config, backend, type, positions);
        try
        {
            using var weights = new Llama2cWeights(file, HeaderBytes, model);
            weights.Fill();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>What the header says; null where the file is not a whole model of this kind.</summary>
    /// <exception cref="RunException">Exit code 4: the file cannot be read.</exception>
    public static ModelConfig? ConfigOf(string path)
    {
        using InputFile file = InputFile.Open(path, ExitCode.ModelFile);
        try
        {
            DecoderConfig config = ReadConfig(file);
            CheckLength(file, config);
            return config;
        }
        catch (RunException)
        {
            return null;
        }
    }

    private static DecoderConfig ReadConfig(InputFile file)
    {
        if (file.Length < HeaderBytes)
            throw Refuse(file, $"{file.Length} bytes; the header alone has {HeaderBytes}.");
        Span<byte> header = stackalloc byte[HeaderBytes];
        file.Read(0, header);
        int first = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (first == MagicOfLaterVersions)
            throw Refuse(file, "a later version of the format ('ak42'); version 0, without a magic number, is read.");
        int width = Number(header, 0, "dim", 1, ModelConfigReader.MostWidth);
        int inner = Number(header, 1, "hidden_dim", 1, ModelConfigReader.MostInnerWidth);
        int layers = Number(header, 2, "n_layers", 1, ModelConfigReader.MostLayers);
        int heads = Number(header, 3, "n_heads", 1, ModelConfigReader.MostHeads);
        int keyHeads = Number(header, 4, "n_kv_heads", 1, ModelConfigReader.MostHeads);
        int vocabulary = Number(
            header, 5, "vocab_size", -ModelConfigReader.MostVocabulary, ModelConfigReader.MostVocabulary);
        int positions = Number(header, 6, "seq_len", 1, ModelConfigReader.MostPositions);
        if (vocabulary == 0)
            throw Refuse(file, "vocab_size is 0.");
        if (width % heads != 0 || width / heads % 2 != 0)
            throw Refuse(file, $"dim is {width} and n_heads {heads}; a head needs an even number of elements.");
        if (keyHeads > heads || heads % keyHeads != 0)
            throw Refuse(file, $"n_heads is {heads} and n_kv_heads {keyHeads}; the second must divide it.");
        return new DecoderConfig
        {
            Architecture = Architecture.Llama,
            VocabularySize = Math.Abs(vocabulary),
            Width = width,
            Layers = layers,
            Heads = heads,
            KeyHeads = keyHeads,
            HeadSize = width / heads,
            InnerWidth = inner,
            MaxPositions = positions,
            NormEpsilon = 1e-5f,
            AttentionScale = (float)(1 / Math.Sqrt(width / heads)),
            TiedHead = vocabulary > 0,
            Rope = new RopeConfig(10_000),
            LocalRope = new RopeConfig(10_000),
            LocalLayers = new bool[layers],
            BosToken = 1,
            EosTokens = [2],
        };

        int Number(ReadOnlySpan<byte> bytes, int index, string name, int least, int most)
        {
            int value = BinaryPrimitives.ReadInt32LittleEndian(bytes[(index * sizeof(int))..]);
            return value >= least && value <= most
                ? value
                : throw Refuse(file, $"{name} is {value}, expected {least} to {most}. Is this a llama2.c model?");
        }
    }

    private static void CheckLength(InputFile file, DecoderConfig config)
    {
        long rotations = (long)config.MaxPositions * config.HeadSize;       // cosines and sines, not needed here
        long expected = HeaderBytes + (ParameterLayout.Count(config) + rotations) * sizeof(float);
        if (file.Length != expected)
            throw Refuse(file, $"{file.Length} bytes, but the numbers in its header make {expected}.");
    }

    private static RunException Refuse(InputFile file, string what) =>
        new(ExitCode.ModelFile, $"{file.Path}: {what}");
}
