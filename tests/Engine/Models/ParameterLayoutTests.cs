using FastCpt.Engine.Models;

namespace FastCpt.Tests.Engine.Models;

public sealed class ParameterLayoutTests
{
    /// <summary>What the published config.json of the 4B base model says about its text part.</summary>
    internal const string Gemma4B =
        "{\"model_type\": \"gemma3\", \"text_config\": {\"hidden_size\": 2560, \"intermediate_size\": 10240, "
        + "\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 34, "
        + "\"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}, \"sliding_window\": 1024}}";

    [Test]
    public void Fact43_Gemma4B_HasThePublishedParameters()
    {
        var config = (DecoderConfig)ModelConfigTests.Parse(Gemma4B).Config;
        IReadOnlyList<ParameterShape> layout = ParameterLayout.Of(config);
        Assert.Multiple(() =>
        {
            Assert.That(ParameterLayout.Count(config), Is.EqualTo(3_880_263_168));
            Assert.That(layout, Has.Count.EqualTo(444));
            Assert.That(layout.Select(parameter => parameter.Name).Distinct().Count(), Is.EqualTo(444));
            Assert.That(Enumerable.Range(0, 34).Where(layer => !config.LocalLayers[layer]),
                Is.EqualTo(new[] { 5, 11, 17, 23, 29 }));
            Assert.That(Scalars(layer => layer < 9), Is.EqualTo(849_443_328));
            Assert.That(Scalars(layer => layer is >= 9 and < 28), Is.EqualTo(1_793_269_248));
            Assert.That(Scalars(layer => layer >= 28), Is.EqualTo(566_295_552));
            Assert.That(layout[0].Shape.Length, Is.EqualTo(671_252_480));
        });

        long Scalars(Func<int, bool> chosen) => layout
            .Where(parameter => parameter.Name.StartsWith("model.layers.", StringComparison.Ordinal))
            .Where(parameter => chosen(int.Parse(parameter.Name.Split('.')[2])))
            .Sum(parameter => parameter.Shape.Length);
    }
}
