using System.Buffers.Binary;
using System.Text;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>An adapter folder put together byte by byte from the description of the formats, without our writers.
/// </summary>
/// <remarks>For the tiny Llama of two layers: rank 2 on query and value of width 12 in, 24 and 12 out.
/// lora-sharing.md 5.</remarks>
internal static class PeftFixture
{
    /// <summary>The keys of lora-sharing.md 5, for a decoder.</summary>
    public const string Config =
        """
        {
          "alpha_pattern": {},
          "auto_mapping": null,
          "base_model_name_or_path": "tiny",
          "bias": "none",
          "exclude_modules": null,
          "fan_in_fan_out": false,
          "inference_mode": true,
          "init_lora_weights": true,
          "layers_pattern": null,
          "layers_to_transform": null,
          "lora_alpha": 5,
          "lora_dropout": 0.0,
          "modules_to_save": null,
          "peft_type": "LORA",
          "peft_version": "0+fastcpt",
          "r": 2,
          "rank_pattern": {},
          "revision": null,
          "target_modules": [
            "q_proj",
            "v_proj"
          ],
          "task_type": "CAUSAL_LM",
          "use_dora": false,
          "use_rslora": false
        }
        """;

    /// <summary>Keys and shapes in the order of the file: by name, since all are F32.</summary>
    public static IReadOnlyList<(string Key, int Rows, int Cols)> Tensors { get; } =
    [
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", 2, 12),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", 24, 2),
        ("base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight", 2, 12),
        ("base_model.model.model.layers.0.self_attn.v_proj.lora_B.weight", 12, 2),
        ("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight", 2, 12),
        ("base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight", 24, 2),
        ("base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight", 2, 12),
        ("base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight", 12, 2),
    ];

    /// <summary>The i-th number of the file: a multiple of 1/64.</summary>
    public static float Value(int i) => ((i * 37 % 41) - 20) / 64f;

    public static void Write(
        string folder, string? config = null, IReadOnlyList<(string Key, int Rows, int Cols)>? tensors = null)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), config ?? Config);
        File.WriteAllBytes(Path.Combine(folder, "adapter_model.safetensors"), Bytes(tensors ?? Tensors));
    }

    /// <param name="tensors">One without columns is a vector.</param>
    /// <summary>Eight bytes of length, the header padded with blanks to a multiple of eight, the numbers.</summary>
    public static byte[] Bytes(IReadOnlyList<(string Key, int Rows, int Cols)> tensors)
    {
        string header = "{\"__metadata__\":{\"format\":\"pt\"}";
        int count = 0;
        foreach (var (key, rows, cols) in tensors)
        {
            int length = rows * Math.Max(1, cols);
            header += $",\"{key}\":{{\"dtype\":\"F32\",\"shape\":[{(cols == 0 ? $"{rows}" : $"{rows},{cols}")}],"
                + $"\"data_offsets\":[{4 * count},{4 * (count + length)}]}}";
            count += length;
        }

        header += "}";
        while (header.Length % 8 != 0)
            header += " ";
        var bytes = new byte[8 + header.Length + 4 * count];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        Encoding.ASCII.GetBytes(header).CopyTo(bytes, 8);
        for (int i = 0; i < count; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(8 + header.Length + 4 * i), Value(i));
        return bytes;
    }
}
