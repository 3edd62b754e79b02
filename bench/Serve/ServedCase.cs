using System.Reflection;
using BenchmarkDotNet.Attributes;
using FastCpt.Bench.Kernels;
using FastCpt.Engine.Adapters;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Bench.Serve;

/// <summary>One thing to time, by name: an op bench's method at one shape and type, or a training step.</summary>
/// <param name="Open">Makes the operands, seen by a profile where one is given; the result is disposed.</param>
internal sealed record ServedCase(string Name, bool IsStep, Func<OpProfile?, OpenCase> Open)
{
    private static readonly DType[] TypesOfSteps = [DType.F32, DType.BF16];

    /// <summary>Every case of this program.</summary>
    public static IReadOnlyList<ServedCase> All { get; } = [.. Ops(), .. Steps(), .. AdapterSteps()];

    private static IEnumerable<ServedCase> Steps() =>
        from size in DecoderStep.Sizes
        from type in TypesOfSteps
        select Step($"{size} {type}", size, type, null);

    private static IEnumerable<ServedCase> AdapterSteps() =>
        from layers in new[] { "qv", "all" }
        from type in TypesOfSteps
        select Step($"110m lora=32 {layers} {type}", "110m", type, StepTimes.Adapters(32, layers == "all"));

    private static ServedCase Step(string name, string size, DType type, LoraSettings? lora) =>
        new($"Step {name}", true, profile =>
        {
            Backend backend = Backends.Open("cpu");
            if (profile is not null)
                backend = new ProfilingBackend(backend, profile);
            var step = new DecoderStep(backend, size, type, lora: lora);
            return new OpenCase(() => step.Run(), () =>
            {
                step.Dispose();
                backend.Dispose();
            });
        });

    private static IEnumerable<ServedCase> Ops() =>
        from bench in typeof(OpBench).Assembly.GetTypes()
        where bench.IsSubclassOf(typeof(OpBench)) && !bench.IsAbstract
        orderby bench.Name
        from shape in ShapesOf(bench)
        from type in TypesOfSteps
        from method in bench.GetMethods()
        where method.GetCustomAttribute<BenchmarkAttribute>() is not null
        select new ServedCase(
            $"{bench.Name[..^"Bench".Length]}.{method.Name} {shape} {type}", false,
            profile => OpenOp(bench, shape, type, method, profile));

    private static IEnumerable<object> ShapesOf(Type bench) =>
        ((System.Collections.IEnumerable)bench.GetProperty("Shapes")!.GetValue(New(bench))!) // OpBench asks for it
            .Cast<object>();

    private static OpenCase OpenOp(Type type, object shape, DType of, MethodInfo method, OpProfile? profile)
    {
        OpBench bench = New(type);
        type.GetProperty("Shape")!.SetValue(bench, shape); // OpBench<TShape> has it
        bench.Type = of;
        bench.Profile = profile;
        bench.Open();
        return new OpenCase(method.CreateDelegate<Action>(bench), bench.Close);
    }

    private static OpBench New(Type bench) =>
        (OpBench)Activator.CreateInstance(bench)!; // a class with a public constructor
}

/// <summary>A case with its operands in place.</summary>
internal sealed record OpenCase(Action Call, Action Close);
