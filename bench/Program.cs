using System.Globalization;
using FastCpt.Bench;
using FastCpt.Bench.Kernels;
using FastCpt.Bench.Racing;
using FastCpt.Bench.Serve;
using FastCpt.Kernels;

return args switch
{
    ["serve"] => BenchServer.Run(Console.In, Console.Out),
    ["steps", .. var rest] => StepTimes.Run(rest),
    ["attention", .. var rest] => AttentionTimes.Run(rest),
    ["products"] => ProductTimes.Run(0),
    ["products", var threads] => ProductTimes.Run(int.Parse(threads, CultureInfo.InvariantCulture)),
    ["passes"] => PassTimes.Run(0),
    ["passes", var threads] => PassTimes.Run(int.Parse(threads, CultureInfo.InvariantCulture)),
    ["update", .. var rest] => UpdateTimes.Run(rest),
    ["merges", .. var rest] => MergeTimes.Run(rest),
    ["tokenize", .. var rest] => TokenizeTimes.Run(rest),
    ["race", .. var rest] => Race.Run(rest),
    ["packed"] => PackedTimes.Run(DType.BF16),
    ["packed", "f32"] => PackedTimes.Run(DType.F32),
    ["adapters"] => AdapterTimes.Run(DType.BF16),
    ["adapters", "f32"] => AdapterTimes.Run(DType.F32),
    ["adapters", "groups"] => GroupTimes.Run(DType.BF16),
    ["adapters", "groups", "f32"] => GroupTimes.Run(DType.F32),
    // Classes of BenchmarkDotNet: -- --filter '*Tokenizer*'
    _ => BenchArguments.Run(args),
};
