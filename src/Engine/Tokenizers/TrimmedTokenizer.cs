using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>A tokenizer that runs in full and then numbers its pieces as a trimmed vocabulary does.</summary>
public sealed class TrimmedTokenizer : Tokenizer
{
    public TrimmedTokenizer(Tokenizer full, TrimmedVocabulary vocabulary)
    {
        (Full, Vocabulary) = (full, vocabulary);
        (Bos, Eos, Pad, Unknown) = (Mapped(full.Bos), Mapped(full.Eos), Mapped(full.Pad), vocabulary.Unknown);
        Sha256 = Identity(Encoding.UTF8.GetBytes(full.Sha256), vocabulary.ToBytes());

        int? Mapped(int? id) => id is { } old ? vocabulary.Map(old) : null;
    }

    public Tokenizer Full { get; }

    public TrimmedVocabulary Vocabulary { get; }

    public override int VocabularySize => Vocabulary.Count;

    public override int? Find(string piece) =>
        Full.Find(piece) is { } id && Vocabulary.Keeps(id) ? Vocabulary.Map(id) : null;

    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        var old = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
            old[i] = Vocabulary.Kept[ids[i]];
        Full.Decode(old, utf8);
    }

    protected override void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        int first = ids.Count;
        Full.Encode(utf8, ids);
        foreach (ref int id in CollectionsMarshal.AsSpan(ids)[first..])
            id = Vocabulary.Map(id);
    }
}
