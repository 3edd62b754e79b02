using System.Globalization;
using BenchmarkDotNet.Running;
using FastCpt.Bench;

return args switch
{
    ["steps", .. var rest] => StepTimes.Run(rest),
    ["attention"] => AttentionTimes.Run(0),
    ["attention", var threads] => AttentionTimes.Run(int.Parse(threads, CultureInfo.InvariantCulture)),
    ["passes"] => PassTimes.Run(0),
    ["passes", var threads] => PassTimes.Run(int.Parse(threads, CultureInfo.InvariantCulture)),
    // Classes of BenchmarkDotNet: -- --filter '*Tokenizer*'
    _ => BenchmarkSwitcher.FromAssembly(typeof(TokenizerBench).Assembly).Run(args).Any() ? 0 : 2,
};
