using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>The studies of adapters that the repository carries can be read, and say what they are for.</summary>
public sealed class ReadyStudiesTests
{
    private static readonly string Folder = Path.Combine(TestData.RepositoryRoot, "studies");

    private static IEnumerable<string> Names() => Directory.GetFiles(Folder, "*.yaml").Order(StringComparer.Ordinal)
        .Where(path => File.ReadLines(path).Contains($"kind: {AdapterStudyConfig.Kind}"))
        .Select(path => Path.GetFileName(path));

    [TestCaseSource(nameof(Names))]
    public void Study_IsRead_AndItsOrdersAreThere(string name)
    {
        AdapterStudyConfig config = AdapterStudyConfig.Load(Path.Combine(Folder, name));
        Assert.That(config.Data.Locales, Is.Not.Empty);
        foreach (OrderConfig order in config.Orders.Where(order => order.Locales.Count == 0))
            Assert.That(
                order.Name == OrderConfig.Given ? config.Data.Locales
                    : LanguageOrder.Of(order.Name, config.Data.Locales),
                Is.SubsetOf(config.Data.Locales));
        Assert.That(config.Seeds.Count + config.MonoSeeds.Count, Is.GreaterThanOrEqualTo(3), "a spread is known");
    }

    [Test]
    public void QuickStudy_NeedsNothingButTheRepository()
    {
        AdapterStudyConfig config = AdapterStudyConfig.Load(Path.Combine(Folder, "massive-quick.yaml"));
        Assert.That(config.Base.Model.Path, Is.Null);
        Assert.That(config.Data.Locales.Select(config.Data.FileOf), Has.All.Matches<string>(File.Exists));
        Assert.That(config.Data.Locales.Count(code => !MassiveLocale.Of(code).IsLatin), Is.EqualTo(4));
    }

    [Test]
    public void PaperStudy_IsThePapersSetting()
    {
        AdapterStudyConfig config = AdapterStudyConfig.Load(Path.Combine(Folder, "massive.yaml"));
        Assert.That(
            config.Data.Locales, Is.EquivalentTo(MassiveLocale.All.Select(locale => locale.Code)));
        Assert.That(config.Lora.Ranks, Is.EqualTo(new[] { 32, 64, 256 }));
        Assert.That(config.Training, Is.EqualTo(SlotTrainingConfig.Of(SlotPreset.Paper)));
        Assert.That(config.TrimVocabulary, Is.True);
    }
}
