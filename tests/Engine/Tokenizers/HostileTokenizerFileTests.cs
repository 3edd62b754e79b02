using System.Buffers.Binary;
using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>Broken and hostile tokenizer files: each is refused with the file's exit code.</summary>
public sealed class HostileTokenizerFileTests
{
    [Test]
    public void Fault_T1_NumberThatDoesNotEnd() => Refused([0x0A, 0x80, 0x80], "ends inside a number");

    [Test]
    public void Fault_T1_NumberOfMoreThan64Bits() =>
        Refused([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], "more than 64 bits");

    [TestCase(1)]
    [TestCase(127)]
    [TestCase(1 << 28)]
    [TestCase(int.MaxValue)]
    public void Fault_T1_LengthPastTheEnd(int length) =>
        Refused([0x0A, .. Varint((ulong)length)], $"a length of {length} bytes, only 0 are left");

    [Test]
    public void Fault_T1_LengthOf64Bits() => Refused([0x0A, .. Varint(ulong.MaxValue)], "only 0 are left");

    [TestCase(3)]
    [TestCase(4)]
    [TestCase(6)]
    [TestCase(7)]
    public void Fault_T1_GroupOrUnknownWireType(int wireType) =>
        Refused([(byte)(0x20 | wireType)], $"wire type {wireType}");

    [Test]
    public void Fault_T1_FieldZero() => Refused([0x02, 0x00], "field number 0");

    [Test]
    public void Fault_T1_PieceOfAMegabyte() =>
        Refused(Model(Piece(new byte[1 << 20].Select(_ => (byte)'a').ToArray())), "at most 4096");

    [Test]
    public void Fault_T1_MoreThanAMillionPieces()
    {
        byte[] piece = [0x0A, 0x03, 0x0A, 0x01, (byte)'a'];
        var file = new byte[piece.Length * ((1 << 20) + 1)];
        for (int at = 0; at < file.Length; at += piece.Length)
            piece.CopyTo(file, at);
        Refused(file, "more than 1048576 pieces");
    }

    [Test]
    public void Fault_T1_MessagesInMessagesThatNeverEnd()
    {
        // 100,000 messages, each the only field of the one around it: a reader that calls itself would fall over.
        byte[] nested = [];
        for (int depth = 0; depth < 2000; depth++)
            nested = [.. Varint(0x0A), .. Varint((ulong)nested.Length), .. nested];
        Refused(nested, "");
    }

    // sentencepiece #1263: a piece of 100 KB overflowed the stack when the trie was built at load.
    [Test]
    public void Fault_T1_Sentencepiece1263_PieceOf100Kilobytes()
    {
        Refused(Model(Piece(Enumerable.Repeat((byte)'x', 100_000).ToArray())), "at most 4096");
        // As long as pieces may be, in a tree as deep as that: built and used without calling itself.
        byte[] longest = Enumerable.Repeat((byte)'x', 4096).ToArray();
        var model = SentencePieceTokenizer.Read(
            Model(Piece("<unk>"u8.ToArray(), type: 2), Piece(longest), Piece("\u2581"u8.ToArray())), "x.model", false);
        Assert.That(model.Ids(Encoding.UTF8.GetString(longest)), Is.EqualTo(new[] { 2, 1 }));
    }

    [TestCase("", "empty")]
    [TestCase("a\0b", "zero byte")]
    public void Fault_T1_PieceThatIsEmptyOrHoldsAZeroByte(string piece, string named) =>
        Refused(Model(Piece("<unk>"u8.ToArray(), type: 2), Piece(Encoding.UTF8.GetBytes(piece))), named);

    [Test]
    public void Fault_T1_PieceThatIsNotUtf8() =>
        Refused(Model(Piece("<unk>"u8.ToArray(), type: 2), Piece([0xC3])), "not UTF-8");

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Fault_T1_ScoreThatIsNotFinite(float score) =>
        Refused(Model(Piece("<unk>"u8.ToArray(), type: 2), Piece("a"u8.ToArray(), score)), "finite");

    [Test]
    public void Fault_T1_InconsistentPieces()
    {
        byte[] unknown = Piece("<unk>"u8.ToArray(), type: 2);
        Refused(Model(unknown, Piece("a"u8.ToArray()), Piece("a"u8.ToArray())), "pieces 1 and 2 are the same");
        Refused(Model(unknown, Piece("<unk2>"u8.ToArray(), type: 2)), "both of type unknown");
        Refused(Model(Piece("a"u8.ToArray())), "type unknown");
        Refused(Model(unknown, Piece("a"u8.ToArray(), type: 9)), "type other than 1 to 6");
        Refused(Model(unknown, Piece("<0x41>"u8.ToArray(), type: 6)), "type byte");
        Refused([.. Model(unknown), .. Message(2, [0x98, 0x02, 0x01])], "byte 0x00 has no piece");
        Refused([.. Model(unknown), .. Message(2, [0x18, 0x03])], "model type 3");
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    public void Fault_T2_CharacterMapOfAFewBytes(int length) => RefusedMap(new byte[length], "too short");

    [TestCase(0u)]
    [TestCase(3u)]
    [TestCase(6u)]
    [TestCase(0xFFFFFFFFu)]
    [TestCase(1u << 30)]
    public void Fault_T2_TrieSizeThatCannotBe(uint size) => RefusedMap(Map(size, [0, 0], "x\0"u8), "has a trie of");

    [Test]
    public void Fault_T2_StringsWithoutAnEnd() => RefusedMap(Map(4, [0], "abc"u8), "zero byte");

    // sentencepiece #1272: the check of the trie left its root unit out, whose offset could be anything.
    [TestCase(0x7FFFFC00u)]
    [TestCase(0x00000A00u | (1u << 9))]
    public void Fault_T2_Sentencepiece1272_RootThatLeadsOutside(uint root) =>
        RefusedMap(Map(8, [root, 0], "x\0"u8), "root leads outside");

    // sentencepiece #1269: a step of the trie read beyond its units.
    [Test]
    public void Fault_T2_Sentencepiece1269_StepThatLeadsOutside()
    {
        // The root's children lie at unit 1 ^ label, which is outside for every label from 2 on.
        var map = new CharacterMap(Map(8, [1 << 10, 0], "x\0"u8), "x.model");
        RefusedAtUse(map, "a"u8.ToArray(), "leads to unit 96 of 2");
    }

    [Test]
    public void Fault_T2_LeafThatLeadsOutside()
    {
        var units = new uint[256];
        units[0] = 1 << 10;                             // children at 1
        units['a' ^ 1] = 'a' | 0x100 | (200000u << 10);      // a leaf follows, far away
        var map = new CharacterMap(Map(1024, units, "x\0"u8), "x.model");
        RefusedAtUse(map, "a"u8.ToArray(), "leads to unit");
        ReadOnlySpan<byte> unused = default;
        Assert.That(map.Longest("b"u8, ref unused), Is.Zero);
    }

    [Test]
    public void Fault_T2_StringThatLiesOutside()
    {
        var units = new uint[256];
        units[0] = 1 << 10;
        units['a' ^ 1] = 'a' | 0x100 | (0x80u << 10);
        units['a' ^ 1 ^ 0x80] = 0x80000000 | 12345;
        RefusedAtUse(new CharacterMap(Map(1024, units, "x\0"u8), "x.model"), "a"u8.ToArray(), "string at 12345");
    }

    [Test]
    public void Fault_T2_RandomTries()
    {
        var random = new Random(4);
        int built = 0;
        for (int round = 0; round < 40000; round++)
        {
            var units = new uint[random.Next(1, 64)];
            for (int k = 0; k < units.Length; k++)
                units[k] = (uint)random.Next() & (random.Next(2) == 0 ? 0x0003FFFFu : 0xFFFFFFFFu);
            try
            {
                var map = new CharacterMap(Map((uint)(4 * units.Length), units, "abc\0de\0"u8), "x.model");
                built++;
                ReadOnlySpan<byte> replacement = default;
                var text = new byte[8];
                random.NextBytes(text);
                Assert.That(map.Longest(text, ref replacement), Is.LessThanOrEqualTo(text.Length));
                Assert.That(map.Shortest(text, ref replacement), Is.LessThanOrEqualTo(text.Length));
            }
            catch (RunException e)
            {
                Assert.That(e.Code, Is.EqualTo(ExitCode.ModelFile));
            }
        }
        Assert.That(built, Is.GreaterThan(1000));
    }

    [TestCase("bpe")]
    [TestCase("unigram")]
    [TestCase("unigram_tail")]
    public void Fault_T1_MutatedModels(string name)
    {
        byte[] original = File.ReadAllBytes(GoldenFiles.Path(name + ".model"));
        var random = new Random(5);
        int loaded = 0;
        for (int round = 0; round < 300; round++)
        {
            byte[] file = [.. original];
            for (int change = random.Next(1, 4); change > 0; change--)
                file[random.Next(file.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)0xFF;
            if (random.Next(4) == 0)
                file = file[..random.Next(file.Length)];
            try
            {
                Tokenizer tokenizer = SentencePieceTokenizer.Read(file, "x.model", xlmRoberta: false);
                loaded++;
                foreach (string text in Texts.Mixed)
                    tokenizer.Bytes(tokenizer.Ids(text));
            }
            catch (RunException e)
            {
                Assert.That(e.Code, Is.EqualTo(ExitCode.ModelFile));
            }
        }
        Assert.That(loaded, Is.InRange(20, 280));
    }

    [Test]
    public void Fault_T1_RankFilesAndLlama2cFilesThatAreBroken()
    {
        Refused(() => TiktokenFile.Read("YQ== 0\nYQ 1\n"u8, "x", SplitPattern.Gpt2, []), "x:2: the first field");
        Refused(() => TiktokenFile.Read("YQ== 0\nYg== 0\n"u8, "x", SplitPattern.Gpt2, []), "x:2: the rank 0");
        Refused(() => TiktokenFile.Read("YQ== 99999999\n"u8, "x", SplitPattern.Gpt2, []), "x:1: the second field");
        Refused(() => TiktokenFile.Read("YQ==\n"u8, "x", SplitPattern.Gpt2, []), "x:1: expected base64");
        Refused(() => TiktokenFile.Read("YQ== 0\n"u8, "x", SplitPattern.Gpt2, []), "a byte has no rank");
        Refused(() => Llama2cTokenizer.Read([1, 2], "x"), "shorter");
        Refused(() => Llama2cTokenizer.Read(new byte[7], "x"), "ends inside piece 0");
        Refused(() => Llama2cTokenizer.Read([0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F], "x"), "length");
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 128; value >>= 7)
            bytes.Add((byte)(value | 128));
        return [.. bytes, (byte)value];
    }

    private static byte[] Message(int field, byte[] content) =>
        [.. Varint((ulong)((field << 3) | 2)), .. Varint((ulong)content.Length), .. content];

    private static byte[] Piece(byte[] text, float score = -1, int type = 1)
    {
        var number = new byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(number, score);
        return Message(1, [.. Message(1, text), 0x15, .. number, 0x18, (byte)type]);
    }

    private static byte[] Model(params byte[][] pieces) => [.. pieces.SelectMany(piece => piece)];

    private static byte[] Map(uint trieBytes, uint[] units, ReadOnlySpan<byte> strings)
    {
        var bytes = new byte[4 + (4 * units.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, trieBytes);
        for (int k = 0; k < units.Length; k++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 + (4 * k)), units[k]);
        return [.. bytes, .. strings];
    }

    private static void RefusedMap(byte[] map, string named) =>
        Refused([.. Model(Piece("<unk>"u8.ToArray(), type: 2)), .. Message(3, Message(2, map))], named);

    private static void RefusedAtUse(CharacterMap map, byte[] text, string named) => Refused(() =>
    {
        ReadOnlySpan<byte> replacement = default;
        map.Longest(text, ref replacement);
    }, named);

    private static void Refused(byte[] file, string named) =>
        Refused(() => SentencePieceTokenizer.Read(file, "x.model", xlmRoberta: false), named);

    private static void Refused(Action action, string named)
    {
        var refused = Assert.Throws<RunException>(action);
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.StartWith("x").And.Contain(named));
    }
}
