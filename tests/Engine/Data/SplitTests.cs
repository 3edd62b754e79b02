using FastCpt.Engine.Data;

namespace FastCpt.Tests.Engine.Data;

public sealed class SplitTests
{
    private const int Count = 20_000;

    [Test]
    public void Fact29_Split_Is95To5AndDisjoint_ReproducibleFromTheSeed()
    {
        DocumentKey[] keys = [.. Enumerable.Range(0, 1000).Select(i => Text(42, i))];
        Side[] sides = Split.Of(keys, 0.05, heldOut: false);
        Assert.That(sides.Count(side => side == Side.Validation), Is.EqualTo(50));
        Assert.That(sides.Count(side => side == Side.Training), Is.EqualTo(950));
        Assert.That(Split.Of(keys, 0.05, heldOut: false), Is.EqualTo(sides));
        DocumentKey[] others = [.. Enumerable.Range(0, 1000).Select(i => Text(43, i))];
        Assert.That(Split.Of(others, 0.05, heldOut: false), Is.Not.EqualTo(sides));
    }

    [Test]
    public void Split_ByText_IsRoundedToTheNearestDocument_AndHasOneOfTwo(
        [Values(0, 1, 2, 9, 10, 29, 30, 31)] int count)
    {
        DocumentKey[] keys = [.. Enumerable.Range(0, count).Select(i => Text(42, i))];
        int expected = count < 2 ? 0 : Math.Max(1, (int)Math.Round(0.05 * count, MidpointRounding.AwayFromZero));
        Assert.That(Split.Of(keys, 0.05, heldOut: false).Count(side => side == Side.Validation), Is.EqualTo(expected));
    }

    [Test]
    public void Split_ById_MeetsTheShareInExpectation()
    {
        DocumentKey[] keys = [.. Enumerable.Range(0, Count).Select(i => DocumentKey.Of(42, $"doc {i}", []))];
        int validation = Split.Of(keys, 0.05, heldOut: false).Count(side => side == Side.Validation);
        // Five standard deviations of a binomial count.
        Assert.That(validation, Is.EqualTo(1000).Within(5 * Math.Sqrt(Count * 0.05 * 0.95)));
    }

    [Test]
    public void Split_ById_DoesNotDependOnTextOrOtherDocuments()
    {
        for (int i = 0; i < 200; i++)
        {
            DocumentKey one = DocumentKey.Of(7, $"MAT {i}", "текст"u8), other = DocumentKey.Of(7, $"MAT {i}", "text"u8);
            Side alone = Split.Of([one], 0.3, heldOut: false)[0];
            Side among = Split.Of([Text(7, 1), DocumentKey.Of(7, "x", []), other], 0.3, heldOut: false)[2];
            Assert.That(among, Is.EqualTo(alone));
        }
    }

    [Test]
    public void Split_ByText_KeepsCopiesTogether()
    {
        DocumentKey[] keys = [.. Enumerable.Range(0, Count).Select(i => Text(42, i % 100))];
        Side[] sides = Split.Of(keys, 0.5, heldOut: false);
        for (int i = 100; i < Count; i++)
            Assert.That(sides[i], Is.EqualTo(sides[i % 100]));
        Assert.That(sides, Has.Some.EqualTo(Side.Validation).And.Some.EqualTo(Side.Training));
    }

    [Test]
    public void Split_OfAHeldOutLanguage_HasNoTrainingSide()
    {
        DocumentKey[] keys = [.. Enumerable.Range(0, 100).Select(i => Text(42, i)),
            .. Enumerable.Range(0, 1000).Select(i => DocumentKey.Of(42, $"doc {i}", []))];
        Side[] heldOut = Split.Of(keys, 0.05, heldOut: true), heldIn = Split.Of(keys, 0.05, heldOut: false);
        Assert.That(heldOut[..100], Has.All.EqualTo(Side.Validation));
        for (int i = 100; i < keys.Length; i++)
            Assert.That(heldOut[i], Is.EqualTo(heldIn[i] == Side.Validation ? Side.Validation : Side.Unused));
    }

    [Test]
    public void Split_OfShareZero_IsAllTraining()
    {
        string?[] ids = [.. Enumerable.Range(0, 100).Select(i => i < 50 ? null : $"{i}")];
        Assert.That(
            Split.Of([.. ids.Select(id => DocumentKey.Of(1, id, []))], 0, heldOut: false),
            Has.All.EqualTo(Side.Training));
    }

    [Test]
    public void Key_IsTheHashThatTheSamplesWereCutBy()
    {
        // Computed by Python's hashlib: sha256(struct.pack("<QB", 42, 1) + b"MAT 4"), first two words.
        DocumentKey key = DocumentKey.Of(42, "MAT 4", "any text"u8);
        Assert.That((key.Selection, key.Side), Is.EqualTo((16025558761445120509UL, 8202609686163634905UL)));
    }

    private static DocumentKey Text(ulong seed, int number) =>
        DocumentKey.Of(seed, null, System.Text.Encoding.UTF8.GetBytes($"text {number}"));
}
