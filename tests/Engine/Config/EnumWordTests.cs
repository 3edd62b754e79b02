using FastCpt.Engine.Config;
using FastCpt.Engine.Studies;

namespace FastCpt.Tests.Engine.Config;

/// <summary>Results and lines say what configurations say.</summary>
public sealed class EnumWordTests
{
    [Test]
    public void Words_AreThoseOfConfigurations()
    {
        Assert.That(Enum.GetValues<StudySystem>().Select(EnumWord.Of), Is.EqualTo((string[])
            ["dense", "expert", "freeze", "l2_sp", "dense_reverted", "expert_reverted", "soup"]));
        Assert.That(Enum.GetValues<LanguageRole>().Select(EnumWord.Of),
            Is.EqualTo((string[])["base", "held_in", "held_out"]));
        Assert.That(Enum.GetValues<Precision>().Select(EnumWord.Of),
            Is.EqualTo((string[])["auto", "fp32", "bf16", "pure_bf16"]));
    }

    [Test]
    public void Words_AreFoundAgain_AndNothingElseIs()
    {
        foreach (StudySystem system in Enum.GetValues<StudySystem>())
            Assert.That(EnumWord.Find<StudySystem>(EnumWord.Of(system)), Is.EqualTo(system));
        foreach (string other in new[] { "L2Sp", "3", "", "dense,expert" })
            Assert.That(EnumWord.Find<StudySystem>(other), Is.Null, other);
    }
}
