using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class TokenizerFileTests
{
    [TestCase("", "tokenizer.json, tokenizer.model, tokenizer_config.json, vocab.json")]
    [TestCase("tokenizer.json", "tokenizer.json, tokenizer_config.json, vocab.json")]
    [TestCase("vocab.json", "vocab.json, merges.txt, tokenizer_config.json")]
    [TestCase("merges.txt", "merges.txt, tokenizer_config.json, vocab.json")]
    [TestCase("cased.model", "tokenizer.model, tokenizer_config.json, vocab.json")]
    [TestCase("base.tiktoken", "base.tiktoken, tokenizer_config.json, vocab.json")]
    public void PartsOf_HaveTheNamesThatAFolderIsSearchedFor(string chosen, string names)
    {
        using var folder = new TestFolder();
        string[] files = ["config.json", "README.md", "model.safetensors", "tokenizer_config.json", "vocab.json"];
        string[] own = chosen.Length > 0 ? [chosen, "merges.txt"] : ["tokenizer.json", "tokenizer.model"];
        foreach (string name in files.Concat(own))
            File.WriteAllText(folder.At(name), name);
        IEnumerable<(string Path, string Name)> parts =
            TokenizerFile.PartsOf(chosen.Length > 0 ? folder.At(chosen) : folder.Path);
        Assert.That(string.Join(", ", parts.Select(part => part.Name)), Is.EqualTo(names));
        Assert.That(parts.All(part => File.Exists(part.Path)));
    }
}
