using System.Buffers.Binary;
using System.Text;
using FastCpt.Engine.Checkpoints;

namespace FastCpt.Tests.Engine.Checkpoints;

/// <summary>A safetensors file that breaks one rule, and the fault that must be named.</summary>
internal sealed record HostileTensors(string Rule, string What, SafeTensorsFault Fault, Func<byte[]> Bytes)
{
    /// <summary>A right entry, which the table spoils: 4 values of F32 in 16 bytes.</summary>
    private const string Right = "\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]";

    public override string ToString() => $"{Rule}: {What}";

    /// <summary>Length, header and a buffer of zeros.</summary>
    public static byte[] File(string header, int bufferLength) => File(Encoding.UTF8.GetBytes(header), bufferLength);

    public static byte[] File(byte[] header, int bufferLength)
    {
        var file = new byte[sizeof(ulong) + header.Length + bufferLength];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)header.Length);
        header.CopyTo(file, sizeof(ulong));
        return file;
    }

    public static IEnumerable<HostileTensors> All() =>
    [
        .. Lengths(), .. Encodings(), .. Syntax(), .. Duplicates(), .. Metadata(), .. Members(), .. Types(),
        .. Shapes(), .. Sizes(), .. Layouts(), .. Counts(),
    ];

    private static IEnumerable<HostileTensors> Lengths()
    {
        yield return new("S1", "empty", SafeTensorsFault.HeaderTooSmall, () => []);
        yield return new("S1", "7 bytes", SafeTensorsFault.HeaderTooSmall, () => new byte[7]);
        yield return Claim("S2", 0, SafeTensorsFault.InvalidHeaderLength);
        yield return Claim("S2", 1UL << 63, SafeTensorsFault.HeaderTooLarge);
        yield return Claim("S2", ulong.MaxValue, SafeTensorsFault.HeaderTooLarge);
        yield return Claim("S2", ulong.MaxValue - 7, SafeTensorsFault.HeaderTooLarge);
        yield return Claim("S2", 1UL << 32, SafeTensorsFault.HeaderTooLarge);
        yield return Claim("S2", 100_000_001, SafeTensorsFault.HeaderTooLarge);
        yield return Claim("S2", 93, SafeTensorsFault.InvalidHeaderLength);     // the file's length - 7
        yield return new("S3", "90 MB of spaces", SafeTensorsFault.HeaderTooLarge, () =>
        {
            var header = new byte[90_000_000];
            header.AsSpan().Fill((byte)' ');
            return File(header, 0);
        });

        static HostileTensors Claim(string rule, ulong claim, SafeTensorsFault fault) =>
            new(rule, $"100 bytes that claim a header of {claim}", fault, () =>
            {
                var file = new byte[100];
                BinaryPrimitives.WriteUInt64LittleEndian(file, claim);
                return file;
            });
    }

    private static IEnumerable<HostileTensors> Encodings()
    {
        foreach (var (what, bytes) in new (string, byte[])[]
        {
            ("0xFF", [0xFF]), ("overlong", [0xC0, 0xAF]), ("raw surrogate", [0xED, 0xA0, 0x80]), ("cut", [0xE2, 0x82]),
        })
        {
            byte[] header = [.. "{\""u8, .. bytes, .. Encoding.UTF8.GetBytes("\":{" + Right + "}}")];
            yield return new("S4", what, SafeTensorsFault.InvalidHeaderUtf8, () => File(header, 16));
        }
        yield return Header("S4", "lone surrogate escape in a name", "{\"\\ud800\":{" + Right + "}}",
            SafeTensorsFault.InvalidHeaderUtf8);
        yield return Header("S4", "lone surrogate escape in metadata", "{\"__metadata__\":{\"a\":\"\\udc00\"}}",
            SafeTensorsFault.InvalidHeaderUtf8, 0);
    }

    private static IEnumerable<HostileTensors> Syntax()
    {
        string[] texts =
        [
            "{", "[]", "{}x", "{}{}", "null", "1", "\"a\"", "{\"w\":{" + Right + "},}", "{/* */}", "{} // x", "{}\0",
            "\uFEFF{}", "{'w':1}", "{\"w\":{" + Right + "}", "        ", "{\"a\":" + new string('[', 100_000),
        ];
        foreach (string text in texts)
            yield return Header("S5", text.Length > 40 ? "depth bomb or cut" : text, text,
                SafeTensorsFault.InvalidHeaderJson, 0);
    }

    private static IEnumerable<HostileTensors> Duplicates()
    {
        const SafeTensorsFault Fault = SafeTensorsFault.DuplicateKey;
        yield return Header("S6", "two w", "{\"w\":{" + Right + "},\"w\":{" + Right + "}}", Fault);
        yield return Header("S6", "w and \\u0077", "{\"w\":{" + Right + "},\"\\u0077\":{" + Right + "}}", Fault);
        yield return Header("S6", "two dtype", "{\"w\":{\"dtype\":\"F32\"," + Right + "}}", Fault);
        yield return Header("S6", "two shape", "{\"w\":{" + Right + ",\"shape\":[2,2]}}", Fault);
        yield return Header("S6", "two data_offsets", "{\"w\":{" + Right + ",\"data\\u005foffsets\":[0,16]}}", Fault);
        yield return Header("S6", "two __metadata__", "{\"__metadata__\":{},\"__metadata__\":{}}", Fault, 0);
        yield return Header("S6", "twice in metadata", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", Fault, 0);
    }

    private static IEnumerable<HostileTensors> Metadata()
    {
        string[] values =
        [
            "1", "null", "[]", "\"pt\"", "{\"a\":1}", "{\"a\":{}}", "{\"a\":null}", "{\"a\":[\"b\"]}",
        ];
        foreach (string value in values)
            yield return Header("S7", value, "{\"__metadata__\":" + value + "}", SafeTensorsFault.InvalidMetadata, 0);
        yield return Header("S7", "longer than 1 MiB",
            "{\"__metadata__\":{\"a\":\"" + new string('x', 1 << 20) + "\"}}", SafeTensorsFault.InvalidMetadata, 0);
    }

    private static IEnumerable<HostileTensors> Members()
    {
        string[] infos =
        [
            "1", "null", "[]", "{}",
            "{\"shape\":[2,2],\"data_offsets\":[0,16]}",
            "{\"dtype\":\"F32\",\"data_offsets\":[0,16]}",
            "{\"dtype\":\"F32\",\"shape\":[2,2]}",
            "{" + Right + ",\"x\":1}",
            "{" + Right + ",\"Dtype\":\"F32\"}",
            "{\"dtype\":1,\"shape\":[2,2],\"data_offsets\":[0,16]}",
            "{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,16]}",
            "{\"dtype\":\"F32\",\"shape\":[\"2\",2],\"data_offsets\":[0,16]}",
            "{\"dtype\":\"F32\",\"shape\":[[2],2],\"data_offsets\":[0,16]}",
            "{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[16]}",
            "{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":{\"0\":16}}",
            "{\"dtype\":\"F32\",\"shape\":[2,null],\"data_offsets\":[0,16]}",
        ];
        foreach (string info in infos)
            yield return Header("S8", info, "{\"w\":" + info + "}", SafeTensorsFault.InvalidTensorInfo);
        yield return Header("S8", "three offsets", Tensor("F32", "2,2", "0,16,16"),
            SafeTensorsFault.ValidationOverflow);
    }

    private static IEnumerable<HostileTensors> Types() =>
        new[] { "bf16", "F128", "F8_E4M3", "F8_E5M2", "F4", "C64", "U16", "U32", "U64", "", "f32", "BOOL " }.Select(
            type => Header("S9", type, Tensor(type, "2,2", "0,16"), SafeTensorsFault.UnsupportedDtype));

    private static IEnumerable<HostileTensors> Shapes()
    {
        foreach (string shape in new[] { "2.0,2", "2e0,2", "-0,2", "-2,-2", "1e3", "4.0" })
            yield return Header("S10", shape, Tensor("F32", shape, "0,16"), SafeTensorsFault.InvalidTensorInfo);
        foreach (string offsets in new[] { "0.0,16", "-0,16", "0,1.6e1", "-16,0" })
            yield return Header("S10", offsets, Tensor("F32", "2,2", offsets), SafeTensorsFault.InvalidTensorInfo);
        string[] overflowing =
        [
            "2,18446744073709551614", "2,9223372036854775807", "281474976710656", "99999999999999999999999",
            "281474976710655,281474976710655", "4294967296,4294967296", "0,281474976710655,281474976710655",
            "1,1,1,1,1,1,1,1,4", "2147483648,2147483648,1",
        ];
        foreach (string shape in overflowing)
            yield return Header("S10", shape, Tensor("F32", shape, "0,16"), SafeTensorsFault.ValidationOverflow);
        yield return Header("S10", "offset above 63 bits", Tensor("F32", "2,2", "0,9223372036854775808"),
            SafeTensorsFault.ValidationOverflow);
    }

    private static IEnumerable<HostileTensors> Sizes()
    {
        foreach (string offsets in new[] { "0,15", "0,17", "16,0", "0,0", "1,16", "9223372036854775807,0" })
            yield return Header("S11", offsets, Tensor("F32", "2,2", offsets), SafeTensorsFault.TensorSizeMismatch);
        yield return Header("R2", "2^40 elements in 16 bytes", Tensor("F32", "1099511627776", "0,16"),
            SafeTensorsFault.TensorSizeMismatch);
        yield return Header("R2", "2^40 elements beyond the file", Tensor("F32", "1099511627776", "0,4398046511104"),
            SafeTensorsFault.IncompleteBuffer);
    }

    private static IEnumerable<HostileTensors> Layouts()
    {
        string same = string.Join(',', Enumerable.Range(0, 10).Select(i => $"\"w{i}\":{{{Right}}}"));
        yield return Header("S12", "ten tensors on [0,16]", "{" + same + "}", SafeTensorsFault.InvalidOffset);
        yield return Header("S12", "first not at 0", Tensor("F32", "2,2", "4,20"), SafeTensorsFault.InvalidOffset, 20);
        yield return Header("S12", "a hole", Two("0,8", "12,20"), SafeTensorsFault.InvalidOffset, 20);
        yield return Header("S12", "an overlap", Two("0,8", "4,12"), SafeTensorsFault.InvalidOffset, 12);
        yield return Header("S12", "beyond 63 bits", Tensor("U8", "0", "9223372036854775807,9223372036854775807"),
            SafeTensorsFault.InvalidOffset);
        yield return Header("S12", "a tail", Tensor("F32", "2,2", "0,16"), SafeTensorsFault.IncompleteBuffer, 17);
        yield return Header("S12", "2 bytes missing", Tensor("F32", "2,2", "0,16"),
            SafeTensorsFault.IncompleteBuffer, 14);
        yield return Header("S12", "no tensor and a tail", "{}", SafeTensorsFault.IncompleteBuffer, 1);
        yield return Header("S12", "empty tensor in another",
            "{\"w\":{" + Right + "},\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]}}",
            SafeTensorsFault.InvalidOffset);

        static string Two(string first, string second) =>
            $"{{\"a\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[{first}]}},"
            + $"\"b\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[{second}]}}}}";
    }

    private static IEnumerable<HostileTensors> Counts()
    {
        yield return new("S14", "100 002 tensors", SafeTensorsFault.LimitExceeded, () => File(Many(100_002), 0));
        yield return new("S14", "100 001 tensors", SafeTensorsFault.LimitExceeded, () => File(Many(100_001), 0));
        yield return new("S14", "10 million entries", SafeTensorsFault.HeaderTooLarge, () =>
            File([.. "{"u8, .. Repeated("\"w\":0,"u8, 10_000_000), .. "\"w\":0}"u8], 0));
        yield return new("S14", "2.5 million entries", SafeTensorsFault.LimitExceeded, () =>
            File([.. "{"u8, .. Repeated("\"w\":0,"u8, 2_500_000), .. "\"w\":0}"u8], 0));
        yield return Header("S14", "long name", "{\"" + new string('n', 1025) + "\":{" + Right + "}}",
            SafeTensorsFault.LimitExceeded);
        foreach (string name in new[] { "a\\nb", "a\\u0000", "\\u009f", "\\u001b[2J" })
            yield return Header("S14", "name " + name, "{\"" + name + "\":{" + Right + "}}",
                SafeTensorsFault.LimitExceeded);

        static string Many(int count) => "{" + string.Join(',', Enumerable.Range(0, count).Select(
            i => $"\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}")) + "}";
    }

    private static byte[] Repeated(ReadOnlySpan<byte> text, int count)
    {
        var bytes = new byte[text.Length * count];
        for (int i = 0; i < bytes.Length; i += text.Length)
            text.CopyTo(bytes.AsSpan(i));
        return bytes;
    }

    private static string Tensor(string type, string shape, string offsets) =>
        $"{{\"w\":{{\"dtype\":\"{type}\",\"shape\":[{shape}],\"data_offsets\":[{offsets}]}}}}";

    private static HostileTensors Header(
        string rule, string what, string header, SafeTensorsFault fault, int bufferLength = 16) =>
        new(rule, what, fault, () => File(header, bufferLength));
}
