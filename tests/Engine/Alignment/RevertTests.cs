using FastCpt.Engine.Alignment;
using FastCpt.Engine.Parameters;

namespace FastCpt.Tests.Engine.Alignment;

public sealed class RevertTests
{
    private static readonly LayerGroups Groups = LayerGroups.Of(TinyModels.Layers);

    private TinyModels _models = null!;

    [SetUp]
    public void CreateModels()
    {
        _models = new TinyModels();
        _models.Create("base", 1);
        _models.Create("trained", 2);
    }

    [TearDown]
    public void RemoveModels() => _models.Dispose();

    [Test]
    public void Fact03_Revert_CopiesTheMiddleOfTheBaseAndNothingElse()
    {
        Revert.Run(_models.Input("trained"), _models.Input("base"), Groups, _models.Output("reverted"));
        _models.AssertCopies("reverted", name => IsMiddle(name) ? "base" : "trained");
        Assert.That(TinyModels.Names.Count(IsMiddle), Is.EqualTo(9));
    }

    [Test]
    public void Fact02_FullOuterGroups_MakeRevertTheIdentity()
    {
        var all = new LayerGroups(TinyModels.Layers, 4, 2);
        Revert.Run(_models.Input("trained"), _models.Input("base"), all, _models.Output("reverted"));
        _models.AssertCopies("reverted", _ => "trained");
    }

    [Test]
    public void Fact04_Revert_IsIdempotentAndLeavesTheBase()
    {
        Revert.Run(_models.Input("trained"), _models.Input("base"), Groups, _models.Output("once"));
        Revert.Run(_models.Input("once"), _models.Input("base"), Groups, _models.Output("twice"));
        _models.AssertCopies("twice", _ => "once");
        _models.Create("same", 1);
        Revert.Run(_models.Input("same"), _models.Input("base"), Groups, _models.Output("still"));
        _models.AssertCopies("still", _ => "base");
    }

    [Test]
    public void Revert_OfMlpOnly_KeepsAttentionAndNorms()
    {
        var selection = new LayerSelection(Groups.Middle, MlpOnly: true);
        Revert.Run(_models.Input("trained"), _models.Input("base"), selection, _models.Output("reverted"));
        _models.AssertCopies("reverted", name => IsMiddle(name) && LayerGroups.IsMlp(name) ? "base" : "trained");
    }

    [Test]
    public void Revert_OfWindows_CoversEveryLayerInTurn()
    {
        IReadOnlyList<LayerRange> windows = LayerWindows.Of(34, 6);
        Assert.That(windows, Has.Count.EqualTo(29));
        Assert.That(LayerWindows.Centre(windows[0]), Is.EqualTo(2.5));
        Assert.That(LayerWindows.Centre(windows[^1]), Is.EqualTo(30.5));
        LayerRange window = LayerWindows.Of(TinyModels.Layers, 2, stride: 2)[1];
        Revert.Run(_models.Input("trained"), _models.Input("base"), new LayerSelection(window), _models.Output("out"));
        _models.AssertCopies("out", name => LayerGroups.LayerOf(name) is 2 or 3 ? "base" : "trained");
    }

    private static bool IsMiddle(string name) => LayerGroups.LayerOf(name) is { } i && Groups.Middle.Contains(i);
}
