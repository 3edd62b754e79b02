using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Data.Massive;

public sealed class LanguageOrderTests
{
    /// <summary>As the specification lists them.</summary>
    private const string P1 =
        "id-ID de-DE hi-IN nb-NO is-IS ta-IN jv-ID hy-AM tr-TR en-US hu-HU km-KH ar-SA fr-FR pt-PT mn-MN my-MM "
        + "ml-IN am-ET fi-FI te-IN fa-IR ru-RU pl-PL ur-PK vi-VN ja-JP tl-PH es-ES sw-KE ca-ES cy-GB sl-SL bn-BD "
        + "kn-IN zh-TW ms-MY zh-CN ro-RO ka-GE it-IT he-IL sv-SE af-ZA az-AZ ko-KR da-DK el-GR lv-LV sq-AL nl-NL "
        + "th-TH";

    private const string P2 =
        "ro-RO sv-SE az-AZ mn-MN my-MM fr-FR ru-RU ja-JP af-ZA ca-ES th-TH ar-SA es-ES id-ID ms-MY pt-PT el-GR "
        + "tr-TR jv-ID da-DK hi-IN ta-IN sq-AL ml-IN fi-FI ka-GE te-IN nb-NO lv-LV it-IT hy-AM vi-VN sl-SL bn-BD "
        + "en-US kn-IN fa-IR ko-KR cy-GB sw-KE de-DE pl-PL hu-HU ur-PK zh-CN zh-TW tl-PH km-KH he-IL am-ET is-IS "
        + "nl-NL";

    private const string P3 =
        "fi-FI he-IL th-TH zh-CN tr-TR am-ET ta-IN kn-IN lv-LV en-US zh-TW ro-RO ca-ES te-IN bn-BD es-ES ru-RU "
        + "km-KH jv-ID sw-KE af-ZA nb-NO az-AZ ko-KR da-DK ms-MY is-IS tl-PH de-DE sv-SE it-IT hy-AM id-ID my-MM "
        + "hu-HU nl-NL vi-VN ja-JP hi-IN fa-IR sl-SL mn-MN pl-PL ar-SA sq-AL ur-PK ka-GE cy-GB fr-FR ml-IN pt-PT "
        + "el-GR";

    private static readonly string[] All = [.. MassiveLocale.All.Select(locale => locale.Code)];
    private static readonly string[] Few = ["th-TH", "en-US", "hi-IN", "zh-CN", "de-DE", "sw-KE"];

    [TestCase("p1", P1)]
    [TestCase("p2", P2)]
    [TestCase("p3", P3)]
    public void DrawnOrders_AreTheListedOnes(string name, string listed)
    {
        Assert.That(string.Join(' ', LanguageOrder.Of(name, All)), Is.EqualTo(listed));
        Assert.That(LanguageOrder.Of(name, Few), Is.EqualTo(listed.Split(' ').Where(Few.Contains)));
    }

    [TestCase("alphabetical", "de-DE en-US hi-IN sw-KE th-TH zh-CN")]
    [TestCase("destructive_first", "zh-CN th-TH en-US hi-IN de-DE sw-KE")]
    [TestCase("destructive_middle", "en-US hi-IN zh-CN th-TH de-DE sw-KE")]
    [TestCase("destructive_last", "en-US hi-IN de-DE sw-KE zh-CN th-TH")]
    [TestCase("latin_only", "en-US de-DE sw-KE")]
    [TestCase("by_script", "hi-IN zh-CN de-DE en-US sw-KE th-TH")]
    [TestCase("by_joshi", "de-DE en-US zh-CN hi-IN th-TH sw-KE")]
    public void MadeOrders_AreWhatTheirNamesSay(string name, string expected) =>
        Assert.That(string.Join(' ', LanguageOrder.Of(name, Few)), Is.EqualTo(expected));

    [Test]
    public void Orders_OfAll_PutTheDestructiveThreeWhereTheyBelong()
    {
        Assert.That(LanguageOrder.Of("destructive_first", All).Take(3), Is.EqualTo(LanguageOrder.Destructive));
        Assert.That(LanguageOrder.Of("destructive_last", All).Skip(49), Is.EqualTo(LanguageOrder.Destructive));
        Assert.That(LanguageOrder.Of("latin_only", All), Has.Count.EqualTo(29));
        foreach (string name in LanguageOrder.Names.Where(name => name != "latin_only"))
            Assert.That(LanguageOrder.Of(name, All), Is.EquivalentTo(All), name);
    }

    [TestCase("p4", "en-US", "is no order")]
    [TestCase("p1", "en-US en-US", "twice")]
    [TestCase("p1", "xx-XX", "none of the 52 locales")]
    [TestCase("latin_only", "zh-CN", "none of the study's locales")]
    [TestCase("destructive_last", "en-US", "none of the study's locales")]
    public void Orders_RefuseWhatTheyCannotGive(string name, string locales, string reason) => Assert.That(
        () => LanguageOrder.Of(name, locales.Split(' ')),
        Throws.InstanceOf<RunException>().With.Message.Contains(reason));
}
