using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

public sealed class AnchorTests
{
    private static readonly string[] Chosen = ["model.norm.weight", "model.layers.0.mlp.down_proj.weight"];

    [TestCase(DType.F32, DType.F32)]
    [TestCase(DType.BF16, DType.BF16)]
    [TestCase(DType.F16, DType.F32)]
    [TestCase(DType.F64, DType.F32)]
    public void Anchor_KeepsChosenParametersInTheirOwnType(DType stored, DType expected)
    {
        using var builder = new FolderBuilder(TinyModels.Config(Architecture.Gemma3), stored).Write();
        using Backend backend = Backends.Open("cpu");
        using ModelFolder folder = ModelFolder.Open(builder.Path, Assert.Fail);
        using Anchor anchor = Anchor.Read(folder, Chosen, DType.F32, backend);
        Assert.Multiple(() =>
        {
            foreach (string name in Chosen)
            {
                Assert.That(anchor.Of(name).Type, Is.EqualTo(expected));
                Assert.That(TestTensors.Read(backend, anchor.Of(name)), Is.EqualTo(builder[name]));
            }

            Assert.That(anchor.Of("model.embed_tokens.weight").IsNone, Is.True);
            Assert.That(anchor.Bytes, Is.LessThan(2048));
        });
    }

    [Test]
    public void Anchor_OfNothing_HoldsNoMemory()
    {
        using var builder = new FolderBuilder(TinyModels.Config(Architecture.Gemma3)).Write();
        using Backend backend = Backends.Open("cpu");
        using ModelFolder folder = ModelFolder.Open(builder.Path, Assert.Fail);
        using Anchor anchor = Anchor.Read(folder, [], DType.F32, backend);
        Assert.That(anchor.Bytes, Is.Zero);
    }
}
