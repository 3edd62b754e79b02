using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Data.Massive;

public sealed class MassiveLocaleTests
{
    [Test]
    public void Table_HasTheGroupSizesOfTheSpecification()
    {
        Assert.That(MassiveLocale.All, Has.Count.EqualTo(52));
        Assert.That(MassiveLocale.All.Select(locale => locale.Code), Is.Ordered.And.Unique);
        Assert.That(MassiveLocale.All.Count(locale => locale.IsLatin), Is.EqualTo(29));
        Assert.That(MassiveLocale.All.Select(locale => locale.Script).Distinct().Count(), Is.EqualTo(21));
        int[] classes = [.. Enumerable.Range(0, 6).Select(c => MassiveLocale.All.Count(l => l.JoshiClass == c))];
        Assert.That(classes, Is.EqualTo(new[] { 0, 12, 3, 15, 14, 8 }));
        Assert.That(
            MassiveLocale.All.Where(locale => locale.SplitsCharacters).Select(locale => locale.Code),
            Is.EqualTo(["ja-JP", "zh-CN", "zh-TW"]));
        Assert.That(MassiveLocale.Of("sl-SL").Language, Is.EqualTo("Slovenian"));
        Assert.That(MassiveLocale.Of("ko-KR"),
            Is.EqualTo(new MassiveLocale("ko-KR", "Korean", "Hangul", "Koreanic", "Koreanic", 4)));
    }

    [Test]
    public void UnknownLocales_AreRefused() => Assert.That(
        () => MassiveLocale.Of("sl-SI"), Throws.InstanceOf<RunException>().With.Message.Contains("sl-SL"));

    /// <summary>Of 52 locales and the sets that are shuffled together, none share a stream.</summary>
    [Test]
    public void Keys_OfLocales_AreDifferent()
    {
        string[] codes = [.. MassiveLocale.All.Select(locale => locale.Code)];
        Assert.That(codes.Select(code => LocaleKey.Sample(code, 7)), Is.Unique);
        Assert.That(codes.Select(code => LocaleKey.ShuffleSeed(3, [code])).Append(LocaleKey.ShuffleSeed(3, codes))
            .Append(LocaleKey.ShuffleSeed(4, [codes[0]])), Is.Unique);
        long last = LocaleKey.Sample("en-US", MassiveFile.MaxRows - 1);
        Assert.That(last - LocaleKey.Sample("en-US", 0), Is.EqualTo(MassiveFile.MaxRows - 1));
        Assert.That(codes.Select(code => LocaleKey.Sample(code, 0)), Has.All.InRange(0, (1L << 42) - 1));
    }
}
