using System.Diagnostics;
using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Files;

public sealed class StrictYamlTests
{
    private static readonly object[] Refused =
    [
        new object[] { "", "1:1", "empty" },
        new object[] { "# only a comment\n", "1:1", "empty" },
        new object[] { "a: &x 1\nb: *x\n", "1:4", "anchor '&x'" },
        new object[] { "a: *x\n", "1:4", "alias '*x'" },
        new object[] { "a: !!str 5\n", "1:4", "tag" },
        new object[] { "a: !file /etc/passwd\n", "1:4", "tag" },
        new object[] { "a: ! x\n", "1:4", "tag" },
        new object[] { "a: 1\n<<: {b: 2}\n", "2:1", "merge key" },
        new object[] { "a: 1\n---\nb: 2\n", "2:1", "second document" },
        new object[] { "%YAML 1.1\n---\na: 1\n", "1:1", "directives" },
        new object[] { "a: 1\nb: 2\na: 3\n", "3:1", "twice" },
        new object[] { "a: 1\n\"a\": 3\n", "2:1", "twice" },
        new object[] { "x: {a: 1, a: 2}\n", "1:11", "twice" },
        new object[] { "a:\n\tb: 1\n", "2:1", "tab" },
        new object[] { "a:\n  \tb: 1\n", "2:3", "tab" },
        new object[] { "? [a]\n: b\n", "1:3", "as a key" },
        new object[] { ": b\n", "1:1", "as a key" },
        new object[] { "a: b: c\n", "1:", "not valid YAML" },
        new object[] { "a: 'x\n", "1:4", "not valid YAML" },
        new object[] { "a: \"\\ud800\"\n", "1:4", "not valid YAML" },
        new object[] { "a: x\u0001\n", "1:5", "control character U+0001" },
        new object[] { "a: [1, 2\n", "", "not valid YAML" },
    ];

    [TestCaseSource(nameof(Refused))]
    public void StrictYaml_RefusesWithPlace(string text, string place, string reason)
    {
        RunException error = Assert.Throws<RunException>(() => StrictYaml.Parse(text, "run.yaml"))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
            Assert.That(error.Message, Does.StartWith("run.yaml:" + place).And.Contain(reason));
        });
    }

    [Test]
    public void StrictYaml_KeepsTextQuotesAndPlaces()
    {
        YamlNode root = StrictYaml.Parse("\uFEFFa: no\nb:\n  - 'no'\n  - 1e-5\nc: |\n  two\n  lines\nd:\n", "x");
        YamlNode items = root.Find("b")!;
        Assert.Multiple(() =>
        {
            Assert.That(root.Entries.Select(e => e.Key.AsText()), Is.EqualTo(new[] { "a", "b", "c", "d" }));
            Assert.That(root.Find("a")!.AsText(), Is.EqualTo("no"));
            Assert.That(root.Find("a")!.IsQuoted, Is.False);
            Assert.That(items.Items[0].IsQuoted, Is.True);
            Assert.That((items.Items[1].Line, items.Items[1].Column), Is.EqualTo((4, 5)));
            Assert.That(items.Items[1].AsNumber(), Is.EqualTo(1e-5));
            Assert.That(root.Find("c")!.AsText(), Is.EqualTo("two\nlines\n"));
            Assert.That(root.Find("d")!.IsNull, Is.True);
            Assert.That(root.Find("e"), Is.Null);
        });
    }

    [Test]
    public void StrictYaml_ReadsJsonEvenWithTabs()
    {
        YamlNode root = StrictYaml.Parse("{\n\t\"a\": [1, \"\\ud83d\\ude00\"],\n\t\"b\": null\n}\n", "x");
        Assert.That(root.Find("a")!.Items[1].AsText(), Is.EqualTo("😀"));
        Assert.That(root.Find("b")!.IsNull, Is.True);
    }

    [TestCase("12", 12)]
    [TestCase("-3", -3)]
    [TestCase("0", 0)]
    public void YamlNode_ReadsWholeNumbers(string text, long value) =>
        Assert.That(Value(text).AsInteger(), Is.EqualTo(value));

    [TestCase("012", "leading zeros")]
    [TestCase("1_000", "without grouping")]
    [TestCase("'5'", "Remove the quotes")]
    [TestCase("1e3", "digits only")]
    [TestCase("1.0", "digits only")]
    [TestCase("no", "a whole number")]
    [TestCase("[1]", "found a list of 1")]
    [TestCase("", "found nothing")]
    [TestCase("99999999999999999999", "from 0 to 100")]
    [TestCase("101", "from 0 to 100")]
    [TestCase("-1", "from 0 to 100")]
    [TestCase("٣", "a whole number")]
    public void YamlNode_RefusesOtherWholeNumbers(string text, string reason) =>
        Assert.That(() => Value(text).AsInteger(0, 100),
            Throws.TypeOf<RunException>().With.Message.StartsWith("x:1:").And.Message.Contains(reason));

    [TestCase("1e-5", 1e-5)]
    [TestCase("0.5", 0.5)]
    [TestCase("-2E+3", -2000)]
    [TestCase("7", 7)]
    public void YamlNode_ReadsNumbers(string text, double value) =>
        Assert.That(Value(text).AsNumber(), Is.EqualTo(value));

    [TestCase(".inf", "finite")]
    [TestCase("NaN", "finite")]
    [TestCase("1e999", "finite")]
    [TestCase(".5", "Write numbers like")]
    [TestCase("5.", "Write numbers like")]
    [TestCase("0x10", "Write numbers like")]
    [TestCase("1,5", "without grouping")]
    [TestCase("+1", "Write numbers like")]
    public void YamlNode_RefusesOtherNumbers(string text, string reason) =>
        Assert.That(() => Value(text).AsNumber(), Throws.TypeOf<RunException>().With.Message.Contains(reason));

    [Test]
    public void YamlNode_ReadsBooleansInOneSpelling()
    {
        Assert.That(Value("true").AsBoolean(), Is.True);
        Assert.That(Value("false").AsBoolean(), Is.False);
        foreach (string text in new[] { "yes", "no", "on", "True", "1", "'true'", "" })
            Assert.That(() => Value(text).AsBoolean(), Throws.TypeOf<RunException>(), text);
    }

    [Test]
    public void YamlNode_RefusesKindsThatDoNotFit()
    {
        Assert.That(() => Value("1").Items, Throws.TypeOf<RunException>().With.Message.Contains("expected a list"));
        Assert.That(() => Value("[1]").Entries, Throws.TypeOf<RunException>().With.Message.Contains("expected a map"));
        Assert.That(() => Value("{a: 1}").AsText(), Throws.TypeOf<RunException>().With.Message.Contains("found a map"));
        Assert.That(() => Value("~").AsText(), Throws.TypeOf<RunException>().With.Message.Contains("found nothing"));
    }

    [Test]
    public void Fault_C1_HostileYaml_IsRefusedQuickly()
    {
        string nodes = "a: [" + string.Join(',', Enumerable.Repeat("1", 10_001)) + "]";
        string bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        var hostile = new (string Text, string Reason)[]
        {
            (new string('[', 20_000), "nested more than 32"),
            (new string('[', 400_000) + new string(']', 400_000), "nested more than 32"),
            (string.Concat(Enumerable.Repeat("{a: ", 20_000)), "nested more than 32"),
            (string.Concat(Enumerable.Range(0, 1_000).Select(i => new string(' ', i) + "a:\n")), "nested more than 32"),
            (nodes, "more than 10000"),
            (bomb, "anchor"),
            (new string('x', 2 << 20), "at most 1048576"),
            (new string('?', 500_000), ""),
        };
        Assert.That(() => StrictYaml.Parse("a: [1, {b: 2}]\n", "warm"), Throws.Nothing);
        foreach (var (text, reason) in hostile)
        {
            var watch = Stopwatch.StartNew();
            RunException? error = null;
            try
            {
                StrictYaml.Parse(text, "run.yaml");
            }
            catch (RunException e)
            {
                error = e;
            }
            if (reason.Length > 0)
                Assert.That(error?.Message, Does.Contain(reason));
            Assert.That(watch.ElapsedMilliseconds, Is.LessThan(1_000), text[..20]);    // 100 ms on an idle machine
        }
    }

    [Test]
    public void StrictYaml_AcceptsTheDepthItNames()
    {
        string right = new string('[', 32) + new string(']', 32);
        Assert.That(() => StrictYaml.Parse(right, "x"), Throws.Nothing);
        Assert.That(() => StrictYaml.Parse("[" + right + "]", "x"), Throws.TypeOf<RunException>());
    }

    [Test]
    public void StrictYaml_AnswersEveryMutationWithATreeOrARunException()
    {
        const string Seed = "a: 1\nb:\n  - 'x'\n  - {c: \"d\", e: [1, 2]}\nf: |\n  text\n# note\ng: >-\n  folded\n";
        const string Pieces = "{}[],:&*!|>'\"%@`#-? \n\t\0\uFEFFé0aZ~<\\.\r\u2028";
        var random = new Random(7);
        for (int i = 0; i < 5_000; i++)
        {
            var text = new StringBuilder(Seed);
            for (int edits = random.Next(1, 6); edits > 0; edits--)
            {
                int at = random.Next(text.Length);
                if (random.Next(2) == 0)
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                else
                    text.Remove(at, Math.Min(random.Next(1, 4), text.Length - at));
            }
            try
            {
                StrictYaml.Parse(text.ToString(), "x");
            }
            catch (RunException)
            {
                // A refusal is an answer; any other exception fails the test.
            }
        }
    }

    private static YamlNode Value(string text) => StrictYaml.Parse($"v: {text}\n", "x").Find("v")!;
}
