using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>The adapters that a run trains in place of the model: attached, saved and restored.</summary>
public sealed class RunAdapter : IDisposable
{
    private readonly RunConfig _config;
    private readonly Model _model;
    private readonly PeftConfig _description;

    /// <param name="model">With the base's weights; frozen from here on.</param>
    /// <exception cref="RunException">Exit 3: targets that the model does not have.</exception>
    public RunAdapter(RunConfig config, Model model)
    {
        (_config, _model) = (config, model);
        Lora = Lora.Attach(model, LoraSettings.Of(config.Adapter!, config.Seed));   // the caller has looked
        _description = new PeftConfig(Lora.Settings)
        {
            TaskType = model is CausalModel ? "CAUSAL_LM" : null, Base = config.Model.Path,
        };
    }

    public Lora Lora { get; }

    /// <summary>Writes the adapter as a PEFT folder, with the tokenizer beside.</summary>
    /// <param name="values">What is stored for a parameter.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    /// <exception cref="RunException">Exit 6: the files could not be written.</exception>
    public long Write(FolderOutput output, Func<Parameter, Tensor> values, DType type)
    {
        long nonFinite = PeftFolder.Write(
            output, _description, [.. Lora.Parameters.All.Select(parameter => (parameter.Name, values(parameter)))],
            _model.Backend, _ => type);
        CompanionFiles.CopyTokenizer(_config, output);
        return nonFinite;
    }

    /// <summary>Writes the trained adapter in F32, with what it belongs to.</summary>
    /// <param name="values">Masters where there are any.</param>
    /// <returns>How many numbers are NaN or infinite.</returns>
    /// <exception cref="RunException">Exit 4: the base has changed since. Exit 6: the files could not be written.
    /// </exception>
    internal long WriteFinal(FolderOutput output, Func<Parameter, Tensor> values, in TrainingProgress progress)
    {
        string origin = _config.Model.Path!;        // the reader has seen to it
        RunRecord.RequireSameBase(_config.OutputDir, origin, RunInputs.OfBase(origin));
        long nonFinite = Write(output, values, DType.F32);
        AdapterState state = new()
        {
            Strategy = "lora", Seed = _config.Seed, Step = progress.Step, Base = AdapterState.HashesOf(origin),
        };
        byte[] text = state.ToBytes();
        output.Write(AdapterState.FileName, stream => stream.Write(text), text.Length);
        return nonFinite;
    }

    /// <summary>Takes back the adapter of a checkpoint.</summary>
    /// <exception cref="RunException">Exit 4: it is not whole, or is another adapter.</exception>
    public void Fill(string path)
    {
        using PeftFolder folder = PeftFolder.Open(path, _ => { });
        folder.FillInto(Lora, _model);
    }

    public void Dispose() => Lora.Dispose();
}
