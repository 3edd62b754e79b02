using System.Security.Cryptography;
using System.Text;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class CanonicalCompositionTests
{
    [Test]
    public void CanonicalComposition_GivesTheFormOfHuggingFacesLibrary()
    {
        var composition = new CanonicalComposition();
        foreach (string[] row in File.ReadLines(GoldenFiles.Path("composition.tsv")).Select(line => line.Split('\t')))
        {
            int first = Convert.ToInt32(row[0], 16);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (int point = first; point < first + 4096; point++)
            {
                if (point is >= 0xD800 and < 0xE000)
                    continue;
                string c = char.ConvertFromUtf32(point);
                foreach (string text in (string[])[c, $"a{c}\u0316\u0301", $"\u1100{c}\u11a8"])
                {
                    hash.AppendData(composition.Compose(Encoding.UTF8.GetBytes(text)));
                    hash.AppendData("\n"u8);
                }
            }
            Assert.That(Convert.ToHexStringLower(hash.GetHashAndReset()), Is.EqualTo(row[1]), row[0]);
        }
    }

    [Test]
    public void CanonicalComposition_KeepsBytesThatAreNotUtf8()
    {
        byte[] text = [0x65, 0xCC, 0x81, 0xFF, 0xCC, 0x81, 0xCC, 0x61, 0xCC, 0x8A, 0xE2, 0x84];
        byte[] composed = [0xC3, 0xA9, 0xFF, 0xCC, 0x81, 0xCC, 0xC3, 0xA5, 0xE2, 0x84];
        Assert.That(new CanonicalComposition().Compose(text).ToArray(), Is.EqualTo(composed));
    }
}
