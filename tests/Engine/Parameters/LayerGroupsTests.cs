using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;

namespace FastCpt.Tests.Engine.Parameters;

public sealed class LayerGroupsTests
{
    [Test]
    public void Fact01_GroupsOfThePapersModel_HaveItsSizesAndCounts()
    {
        var groups = new LayerGroups(34, 9, 6);
        var tensors = GemmaNames.All().ToList();
        long Elements(LayerGroup? group) => tensors.Where(t => groups.GroupOf(t.Name) == group).Sum(t => t.Length);
        Assert.Multiple(() =>
        {
            Assert.That(groups.First, Is.EqualTo(new LayerRange(0, 9)));
            Assert.That(groups.Middle, Is.EqualTo(new LayerRange(9, 28)));
            Assert.That(groups.Last, Is.EqualTo(new LayerRange(28, 34)));
            Assert.That((groups.First.Count, groups.Middle.Count, groups.Last.Count), Is.EqualTo((9, 19, 6)));
            Assert.That(tensors.Count(t => groups.GroupOf(t.Name) == LayerGroup.Middle), Is.EqualTo(247));
            Assert.That(Elements(LayerGroup.First), Is.EqualTo(849_443_328));
            Assert.That(Elements(LayerGroup.Middle), Is.EqualTo(1_793_269_248));
            Assert.That(Elements(LayerGroup.Last), Is.EqualTo(566_295_552));
            Assert.That(Elements(null), Is.EqualTo(671_252_480 + 2_560));
        });
    }

    [TestCase("roberta.encoder.layer.11.attention.output.dense.weight", 11, false)]
    [TestCase("encoder.layer.3.attention.self.query.bias", 3, false)]
    [TestCase("roberta.encoder.layer.3.intermediate.dense.weight", 3, true)]
    [TestCase("roberta.encoder.layer.3.output.LayerNorm.bias", 3, true)]
    [TestCase("roberta.embeddings.LayerNorm.weight", null, false)]
    [TestCase("lm_head.layer_norm.weight", null, false)]
    public void NamesOfAnEncoder_TellLayerAndPart(string name, int? layer, bool isMlp)
    {
        Assert.That(LayerGroups.LayerOf(name), Is.EqualTo(layer));
        Assert.That(LayerGroups.IsMlp(name), Is.EqualTo(isMlp));
    }

    [Test]
    public void Fact43_NamesOfThePapersModel_SumToItsTotal()
    {
        var tensors = GemmaNames.All().ToList();
        Assert.That(tensors.Sum(t => t.Length), Is.EqualTo(3_880_263_168));
        Assert.That(tensors, Has.Count.EqualTo(444));
    }

    [Test]
    public void Fact02_MoreOuterLayersThanLayers_AreRejected()
    {
        Assert.That(() => new LayerGroups(34, 20, 15), Throws.TypeOf<RunException>()
            .With.Message.Contains("20 first and 15 last layers are more than the model's 34"));
        LayerGroups full = new(34, 20, 14);
        Assert.That(full.Middle.IsEmpty, Is.True);
        Assert.That(GemmaNames.All().Any(t => full.GroupOf(t.Name) == LayerGroup.Middle), Is.False);
    }

    [TestCase(34, 9, 19, 6)]
    [TestCase(12, 3, 7, 2)]
    [TestCase(8, 2, 5, 1)]
    [TestCase(6, 2, 3, 1)]
    [TestCase(3, 1, 1, 1)]
    [TestCase(2, 1, 0, 1)]
    public void LayerGroups_ScaleWithDepth(int layers, int first, int middle, int last)
    {
        LayerGroups groups = LayerGroups.Of(layers);
        Assert.That((groups.First.Count, groups.Middle.Count, groups.Last.Count), Is.EqualTo((first, middle, last)));
        Assert.That(groups.Layers, Is.EqualTo(layers));
    }

    [Test]
    public void LayerGroups_OfOneLayer_AreRejected() =>
        Assert.That(() => LayerGroups.Of(1), Throws.TypeOf<RunException>());

    [TestCase("model.layers.0.mlp.up_proj.weight", 0)]
    [TestCase("layers.12.x", 12)]
    [TestCase("language_model.model.layers.33.self_attn.q_norm.weight", 33)]
    [TestCase("model.embed_tokens.weight", null)]
    [TestCase("model.norm.weight", null)]
    [TestCase("lm_head.weight", null)]
    [TestCase("model.layers.x.weight", null)]
    [TestCase("model.layers.-1.weight", null)]
    [TestCase("model.layers.1", null)]
    [TestCase("model.sublayers.1.weight", null)]
    [TestCase("model.layers.99999999999.weight", null)]
    [TestCase("vision_tower.vision_model.encoder.layers.3.mlp.fc1.weight", null)]
    public void LayerOf_ReadsTheNameAlone(string name, int? layer) =>
        Assert.That(LayerGroups.LayerOf(name), Is.EqualTo(layer));

    [Test]
    public void CountLayers_RefusesGapsAndNothing()
    {
        Assert.That(LayerGroups.CountLayers(["a.layers.1.x", "a.layers.0.x", "a.layers.0.y", "b"], "m"), Is.EqualTo(2));
        Assert.That(() => LayerGroups.CountLayers(["a.layers.0.x", "a.layers.2.x"], "m"), Throws.TypeOf<RunException>()
            .With.Message.Contains("m: no parameter is named 'layers.1.'"));
        Assert.That(() => LayerGroups.CountLayers(["norm"], "m"), Throws.TypeOf<RunException>());
    }
}
