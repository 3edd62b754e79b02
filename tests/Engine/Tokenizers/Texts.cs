using System.Buffers;
using System.Text;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>Texts that the tests share, and short forms of encoding and decoding.</summary>
internal static class Texts
{
    /// <summary>A sentence or two in many scripts, with marks, digits, contractions and odd white space.</summary>
    public static readonly string[] Mixed =
    [
        "Hello World! It's 12345 o'clock, and they'LL be late.\r\n\r\n  Done.",
        "Der schnelle braune Fuchs springt über den faulen Hund. ÜBER ALLES",
        "Привет, мир! Съешь ещё этих мягких французских булок.",
        "नमस्ते दुनिया, यह एक परीक्षण है। क्षत्रिय",
        "สวัสดีชาวโลก นี่คือการทดสอบ",
        "你好，世界！这是一个测试。１２３",
        "こんにちは世界、カタカナとひらがなーー",
        "안녕하세요 세계",
        "مرحبا بالعالم، هذا اختبار ١٢٣",
        "ශ්‍රී ලංකා ක්‍ෂ",
        "e\u0301a\u0308 \u0301x ₂² ½ Ⅷ ǅungla ʰa",
        "\t\ttabs\n \n  lines   \u00a0\u2003end  ",
        "👩‍👩‍👧‍👦 🇩🇪 👍🏽 \ufffd\ufffd",
    ];

    public static int[] Ids(this Tokenizer tokenizer, string text) => tokenizer.Ids(Encoding.UTF8.GetBytes(text));

    public static int[] Ids(this Tokenizer tokenizer, byte[] utf8)
    {
        var ids = new List<int>();
        tokenizer.Encode(utf8, ids);
        return [.. ids];
    }

    public static byte[] Bytes(this Tokenizer tokenizer, params int[] ids)
    {
        var buffer = new ArrayBufferWriter<byte>();
        tokenizer.Decode(ids, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    public static string Text(this Tokenizer tokenizer, params int[] ids) =>
        Encoding.UTF8.GetString(tokenizer.Bytes(ids));
}
