using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Kernels.Platform;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Adapters on tiny models, with no value at a special point.</summary>
internal static class TinyLora
{
    /// <summary>Adapters whose B is not 0.</summary>
    public static Lora Attach(Model model, int rank = 3, params string[] targets)
    {
        Lora lora = Lora.Attach(model, new LoraSettings
        {
            Rank = rank, Alpha = 5, Seed = 3, Targets = targets.Length > 0 ? targets : [LoraSettings.AllLinear],
        });
        ulong place = 0;
        foreach (LowRankAdapter adapter in model.Linears.Select(linear => linear.Adapter).OfType<LowRankAdapter>())
        {
            var values = new double[adapter.B.Value.Length];
            for (int i = 0; i < values.Length; i++)
                values[i] = 0.2 * Philox.Normal(8, RandomStream.Initialization, 2, place++);
            TestTensors.Write(model.Backend, values, adapter.B.Value);
        }

        return lora;
    }

    /// <returns>Scores of all rows: [M, V].</returns>
    public static double[] Logits(CausalModel model, Tape tape)
    {
        tape.BeginInference();
        ModelInputs inputs =
            ModelInputs.Upload(tape, TinyModels.Ids, TinyModels.Positions, TinyModels.Bounds, []);
        Tensor logits = tape.Take(model.Parameters.Type, new Shape(TinyModels.Rows, model.Config.VocabularySize));
        model.Logits(tape, inputs, 0, logits);
        return TestTensors.Read(model.Backend, logits);
    }
}
