using System.Text.Json;
using FastCpt.Engine;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

/// <summary>tests/Golden/models/encoder-tiny: an encoder, padded rows, and what an independent implementation makes.
/// </summary>
internal sealed class GoldenEncoder
{
    private readonly List<int[]> _tokens = [], _targets = [];
    private readonly List<int> _lengths = [];

    private GoldenEncoder()
    {
    }

    public static string Folder { get; } =
        Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "models", "encoder-tiny");

    /// <summary>Tokens of a padded row.</summary>
    public int Padded => _tokens[0].Length;

    public int Rows => _tokens.Count;

    /// <summary>Tokens of every sentence, without padding.</summary>
    public IReadOnlyList<int[]> Sentences => [.. _tokens.Zip(_lengths, (tokens, length) => tokens[..length])];

    public static GoldenEncoder Read()
    {
        var golden = new GoldenEncoder();
        using JsonDocument inputs = StrictJson.Load(Path.Combine(Folder, "inputs.json"), ExitCode.ModelFile);
        foreach (JsonElement row in inputs.RootElement.GetProperty("rows").EnumerateArray())
        {
            golden._tokens.Add(Numbers(row.GetProperty("tokens")));
            golden._targets.Add(Numbers(row.GetProperty("targets")));
            golden._lengths.Add(row.GetProperty("length").GetInt32());
        }

        return golden;

        static int[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetInt32())];
    }

    /// <summary>Sentences back to back, as the engine packs them.</summary>
    public EncoderRows Packed() => Rowed(length => length);

    /// <summary>Every sentence padded to one length; rows of padding are in no segment.</summary>
    public EncoderRows PaddedTo(int length) => Rowed(_ => length);

    /// <summary>One sentence.</summary>
    public EncoderRows Alone(int row)
    {
        var rows = new EncoderRows();
        AddTo(rows, row);
        return rows;
    }

    /// <summary>Appends one sentence.</summary>
    public void AddTo(EncoderRows rows, int row) =>
        rows.Add(_tokens[row][.._lengths[row]], _targets[row][.._lengths[row]], _lengths[row], row);

    public static XlmRoberta Load(Backend backend, DType type)
    {
        using ModelFolder folder = ModelFolder.Open(Folder, warning => TestContext.Out.WriteLine(warning));
        var model = (XlmRoberta)ModelLoader.Load(
            folder, backend, type, folder.Config.LongestSegment, Assert.Fail);
        (model.HiddenDropout, model.AttentionDropout) = (0, 0);
        return model;
    }

    private EncoderRows Rowed(Func<int, int> padded)
    {
        var rows = new EncoderRows();
        for (int row = 0; row < Rows; row++)
            rows.Add(_tokens[row][.._lengths[row]], _targets[row][.._lengths[row]], padded(_lengths[row]), row);
        return rows;
    }
}
